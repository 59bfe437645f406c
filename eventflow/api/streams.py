"""Streams of server-sent events: Argo's watch of workflows, and eventflow's own live feed.

A reader that does not take what it is sent for `STALLED` seconds is dropped; it may come back with `Last-Event-ID`.
Streams keep coming when nothing happens: a comment every `HEARTBEAT` seconds keeps proxies from hanging up.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import orjson
from aiohttp import web

from eventflow.api import selection
from eventflow.api.feed import Behind, Entry, Feed, light
from eventflow.api.parts import Parts
from eventflow.engine import queries
from eventflow.engine.service import load
from eventflow.errors import NotFound, TemporaryError
from eventflow.store import workflows
from eventflow.store.workflows import Header, WorkflowFilter

STALLED = 30.0
HEARTBEAT = 15.0
PACE = 0.25
MOST_STREAMS = 200


class Sink:
    """One stream to one reader."""

    def __init__(self, response: web.StreamResponse) -> None:
        self.response = response

    async def send(self, data: Any, *, event: str = "", id: str = "") -> None:
        """Write one event. Raises ConnectionResetError when the reader left or stalls."""
        head = (f"event: {event}\n" if event else "") + (f"id: {id}\n" if id else "")
        await self._write(head.encode() + b"data: " + orjson.dumps(data) + b"\n\n")

    async def beat(self) -> None:
        """Write a comment."""
        await self._write(b": \n\n")

    async def _write(self, text: bytes) -> None:
        try:
            async with asyncio.timeout(STALLED):
                await self.response.write(text)
        except TimeoutError:
            raise ConnectionResetError("the reader is too slow") from None


class Streams:
    """The handlers of streams."""

    def __init__(self, app: Parts, feed: Feed) -> None:
        self._app = app
        self._feed = feed
        self._open = 0
        self._closing = asyncio.Event()

    def add_to(self, router: web.UrlDispatcher) -> None:
        """Add the routes."""
        router.add_get("/api/v1/workflow-events/{namespace}", self.watch)
        router.add_get("/api/v1/workflow-events/", self.watch)
        router.add_get("/api/v1/stream", self.feed)

    async def close(self, application: web.Application) -> None:
        """End all streams: the server stops."""
        del application
        self._closing.set()

    @asynccontextmanager
    async def opened(self, request: web.Request) -> AsyncIterator[Sink]:
        """Begin a stream of events. Raises TemporaryError beyond MOST_STREAMS of them."""
        if self._open >= MOST_STREAMS:
            raise TemporaryError("too many streams are open", retry_after=5.0)
        self._open += 1
        headers = {"Content-Type": "text/event-stream", "Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        response = web.StreamResponse(headers=headers)
        try:
            await response.prepare(request)
            yield Sink(response)
        except ConnectionResetError:
            request.protocol.force_close()
        finally:
            self._open -= 1

    async def batches(self, sink: Sink, place: int) -> AsyncIterator[list[Entry]]:
        """Yield batches of the feed, with heartbeats between; ends when the server does. Raises Behind."""
        follow = self._feed.follow(place, PACE)
        closing = asyncio.create_task(self._closing.wait())
        waiting: asyncio.Task[list[Entry]] | None = None
        try:
            while not closing.done():
                waiting = waiting or asyncio.ensure_future(anext(follow))
                await asyncio.wait({waiting, closing}, timeout=HEARTBEAT, return_when=asyncio.FIRST_COMPLETED)
                if waiting.done():
                    batch, waiting = waiting.result(), None
                    yield batch
                elif not closing.done():
                    await sink.beat()
        finally:
            closing.cancel()
            if waiting is not None:
                waiting.cancel()
                await asyncio.gather(waiting, return_exceptions=True)
            await follow.aclose()  # type: ignore[attr-defined]

    # -- Argo's watch --------------------------------------------------------------------------------------------

    async def watch(self, request: web.Request) -> web.StreamResponse:
        """Send `{"result": {"type", "object"}}` for each change of the selected workflows, whole objects, coalesced."""
        namespace = request.match_info.get("namespace", "")
        fields = selection.terms(request.query.get("listOptions.fieldSelector", ""))
        labels = selection.terms(request.query.get("listOptions.labelSelector", ""))
        trim = request.query.get("fields", "")
        place = self._feed.place(request.headers.get("Last-Event-ID", "")) or self._feed.end
        named = next((term.values[0] for term in fields if term.key == "metadata.name" and term.operator == "in"), "")
        async with self.opened(request) as sink:
            if named:
                await self._first(sink, namespace, named, trim)
            try:
                async for batch in self.batches(sink, place):
                    changed = {each.seq: each for each in batch if each.kind == "workflow"}
                    for each in changed.values():
                        if _selected(each, namespace, fields):
                            await self._object(sink, each, labels, trim)
            except Behind:
                await sink.send({"error": {"code": 11, "message": "too old resource version"}})
        return sink.response

    async def _first(self, sink: Sink, namespace: str, name: str, trim: str) -> None:
        try:
            header = await self._app.engine.find(namespace, name)
        except NotFound:
            return
        found = await queries.workflow_object(self._app.engine, header)
        await sink.send({"result": {"type": "ADDED", "object": selection.trimmed(found, trim)}})

    async def _object(self, sink: Sink, entry: Entry, labels: list[selection.Term], trim: str) -> None:
        header = await self._app.store.read(lambda: workflows.load_seq(entry.seq))
        if header is None or not all(term.holds(header.labels) for term in labels):
            return
        found = await queries.workflow_object(self._app.engine, header)
        shown = selection.trimmed(found, trim)
        await sink.send({"result": {"type": "MODIFIED", "object": shown}}, id=self._feed.id(entry.number))

    # -- the live feed -------------------------------------------------------------------------------------------

    async def feed(self, request: web.Request) -> web.StreamResponse:
        """Send what happens: `event` and `workflow`; for the one named by `workflow` its nodes too.

        Begins with `snapshot` (nodes of that workflow, the newest workflows), unless `Last-Event-ID` leads on. `lost`
        ends a stream that fell behind. With `until=end` the stream ends with that workflow.
        """
        query = request.query
        namespace = query.get("namespace", "")
        header: Header | None = None
        if query.get("workflow"):
            header = await self._app.engine.find(namespace or self._app.settings.namespace, query["workflow"])
        place = self._feed.place(request.headers.get("Last-Event-ID", ""))
        async with self.opened(request) as sink:
            start = self._feed.end if place is None else place
            if place is None and await self._snapshot(sink, namespace, header, query):
                return sink.response
            try:
                await self._entries(sink, start, namespace, header, query)
            except Behind:
                await sink.send({}, event="lost")
        return sink.response

    async def _snapshot(self, sink: Sink, namespace: str, header: Header | None, query: Mapping[str, str]) -> bool:
        """Send the state of things; return whether the stream ends with it."""
        found = await self._app.store.read(lambda: workflows.page(WorkflowFilter(namespace or None), limit=50))
        data: dict[str, Any] = {"workflows": [_light(each) for each in found]}
        last = self._feed.id(self._feed.end - 1)
        if header is not None:
            current = await self._app.store.read(lambda: workflows.load_seq(header.seq)) or header
            data["workflow"] = _light(current)
            data["nodes"] = await self._nodes(current) if query.get("nodes") != "false" else []
            if query.get("until") == "end" and current.finished_at is not None:
                await sink.send(data, event="snapshot", id=last)
                return True
        await sink.send(data, event="snapshot", id=last)
        return False

    async def _nodes(self, header: Header) -> list[dict[str, Any]]:
        live = self._app.engine.live(header.seq)
        if live is not None:
            return [light(node) for node in live.nodes]
        loaded = await self._app.store.read(lambda: load(header.seq))
        return [light(node) for node in loaded[2]] if loaded is not None else []

    async def _entries(
        self, sink: Sink, place: int, namespace: str, header: Header | None, query: Mapping[str, str]
    ) -> None:
        only = query.get("until") == "end"
        async for batch in self.batches(sink, place):
            for entry in batch:
                mine = header is not None and entry.kind == "workflow" and entry.seq == header.seq
                if (namespace and entry.namespace != namespace) or (only and not mine):
                    continue
                nodes = entry.nodes if mine and query.get("nodes") != "false" else ()
                await sink.send({**entry.data, "nodes": nodes}, event=entry.kind, id=self._feed.id(entry.number))
                if only and entry.data["finished"]:
                    return


def _selected(entry: Entry, namespace: str, fields: list[selection.Term]) -> bool:
    known = {"metadata.name": entry.data["name"], "metadata.namespace": entry.namespace}
    known["status.phase"] = entry.data["phase"]
    return (not namespace or entry.namespace == namespace) and all(term.holds(known) for term in fields)


def _light(header: Header) -> dict[str, Any]:
    return {
        "uid": header.uid,
        "namespace": header.namespace,
        "name": header.name,
        "phase": header.phase,
        "message": header.message,
        "created": header.created_at,
        "started": header.started_at or 0.0,
        "finished": header.finished_at or 0.0,
        "nodes": header.node_count,
    }
