"""`/log`: lines of a workflow's pods, as Argo Server streams them: `{"result": {"content", "podName"}}`.

With `Accept: text/event-stream` they are server-sent events, else one JSON object a line.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import aclosing
from typing import Any

import orjson
from aiohttp import web

from eventflow.api.feed import Behind, Feed
from eventflow.api.parts import Parts
from eventflow.engine.service import load
from eventflow.errors import NotFound, UserError
from eventflow.runtimes.contract import LogLine
from eventflow.store.workflows import Header

_BEGUN = frozenset({"Running", "Succeeded", "Failed", "Error"})
STALLED = 30.0
WAITING = 1_000
Labelled = tuple[str, str, LogLine]


class Logs:
    """The handlers of logs."""

    def __init__(self, app: Parts, feed: Feed) -> None:
        self._app = app
        self._feed = feed

    def add_to(self, router: web.UrlDispatcher) -> None:
        """Add the routes."""
        router.add_get("/api/v1/workflows/{namespace}/{name}/log", self.stream)
        router.add_get("/api/v1/workflows/{namespace}/{name}/{pod}/log", self.stream)

    async def stream(self, request: web.Request) -> web.StreamResponse:
        """Stream the lines of all pods, or of the one named by `podName` (a pod's name, or a node's id or name)."""
        query = request.query
        header = await self._app.engine.find(request.match_info["namespace"], request.match_info["name"])
        wanted = request.match_info.get("pod") or query.get("podName") or ""
        keep = _kept(query)
        container = query.get("logOptions.container") or None
        follow = query.get("logOptions.follow") == "true"
        lines = self._lines(header, wanted, container, follow=follow)
        if query.get("logOptions.tailLines"):
            lines = _tail(lines, _number(query["logOptions.tailLines"]))
        events = "text/event-stream" in request.headers.get("Accept", "")
        kind = "text/event-stream" if events else "application/json"
        response = web.StreamResponse(headers={"Content-Type": kind, "Cache-Control": "no-store"})
        await response.prepare(request)
        async with aclosing(lines) as given:  # type: ignore[type-var]
            async for pod, node, line in given:
                if keep(line.text):
                    await _send(response, pod, node, line, events=events, container=container)
        return response

    async def _lines(
        self, header: Header, wanted: str, container: str | None, *, follow: bool
    ) -> AsyncIterator[Labelled]:
        place = self._feed.end
        pods = await self._pods(header)
        if wanted:
            pods = [each for each in pods if wanted in each]
            if not pods:
                raise NotFound(
                    f"there is no pod {wanted!r} in workflow {header.name!r}", hint="eventflow get shows them"
                )
        live = self._app.engine.live(header.seq) is not None
        if not follow or not live:
            for pod, _, _, label in pods:
                async for line in self._app.runtime.logs(pod, container=container):
                    yield pod, label, line
            return
        async with aclosing(self._followed(header, pods, wanted, container, place)) as lines:  # type: ignore[type-var]
            async for each in lines:
                yield each

    async def _pods(self, header: Header) -> list[tuple[str, str, str, str]]:
        """Return (pod, node id, node name, display name) of all pods that began, in that order."""
        live = self._app.engine.live(header.seq)
        loaded = None if live is not None else await self._app.store.read(lambda: load(header.seq))
        nodes = live.nodes if live is not None else loaded[2] if loaded is not None else []
        begun = [node for node in nodes if node.pod and str(node.phase) in _BEGUN]
        begun.sort(key=lambda node: node.started_at)
        return [(node.pod, node.id, node.name, node.display_name) for node in begun]

    async def _followed(
        self, header: Header, pods: Sequence[tuple[str, str, str, str]], wanted: str, container: str | None, place: int
    ) -> AsyncIterator[Labelled]:
        """Yield lines of pods as they come, also of pods that begin later, until the workflow ends."""
        queue: asyncio.Queue[Labelled | None] = asyncio.Queue(WAITING)
        async with asyncio.TaskGroup() as group:
            following = group.create_task(self._follow(header, pods, wanted, container, place, queue))
            try:
                while (each := await queue.get()) is not None:
                    yield each
            finally:
                following.cancel()

    async def _follow(
        self,
        header: Header,
        pods: Sequence[tuple[str, str, str, str]],
        wanted: str,
        container: str | None,
        place: int,
        queue: asyncio.Queue[Labelled | None],
    ) -> None:
        seen: set[str] = set()
        async with asyncio.TaskGroup() as group:

            def begin(pod: str, label: str) -> None:
                if pod not in seen:
                    seen.add(pod)
                    group.create_task(self._pod(pod, label, container, queue))

            for pod, _, _, label in pods:
                begin(pod, label)
            if not wanted:
                await self._begin_later(header, place, begin)
        await queue.put(None)

    async def _begin_later(self, header: Header, place: int, begin: Callable[[str, str], None]) -> None:
        try:
            async for batch in self._feed.follow(place):
                for entry in batch:
                    if entry.kind != "workflow" or entry.seq != header.seq:
                        continue
                    for node in entry.nodes:
                        if node.get("pod") and node["phase"] in _BEGUN:
                            begin(node["pod"], node["display_name"])
                    if entry.data["finished"]:
                        return
        except Behind:
            for pod, _, _, label in await self._pods(header):
                begin(pod, label)

    async def _pod(self, pod: str, label: str, container: str | None, queue: asyncio.Queue[Labelled | None]) -> None:
        async for line in self._app.runtime.logs(pod, container=container, follow=True):
            await queue.put((pod, label, line))


async def _send(
    response: web.StreamResponse, pod: str, node: str, line: LogLine, *, events: bool, container: str | None
) -> None:
    result = {"content": line.text, "podName": pod, "node": node, "at": line.at, "stream": line.stream}
    if container is None:
        result["container"] = line.container
    text = orjson.dumps({"result": result})
    try:
        async with asyncio.timeout(STALLED):
            await response.write(b"data: " + text + b"\n\n" if events else text + b"\n")
    except TimeoutError:
        raise ConnectionResetError("the reader is too slow") from None


async def _tail(lines: AsyncIterator[Labelled], count: int) -> AsyncIterator[Labelled]:
    """Yield the last lines of each pod, once all are read."""
    last: dict[str, list[Labelled]] = {}
    async for each in lines:
        kept = last.setdefault(each[0], [])
        kept.append(each)
        if len(kept) > count:
            del kept[0]
    for kept in last.values():
        for each in kept:
            yield each


def _number(text: str) -> int:
    if not text.isdigit():
        raise UserError(f"logOptions.tailLines must be a number, not {text!r}")
    return int(text)


def _kept(query: Mapping[str, str]) -> Callable[[str], bool]:
    """Return the filter that `grep` asks for. Raises UserError on a bad pattern."""
    pattern = query.get("grep")
    if not pattern:
        return lambda _: True
    import re2

    try:
        compiled: Any = re2.compile(pattern)  # type: ignore[no-untyped-call]
    except re2.error as error:
        raise UserError(f"grep {pattern!r} is no regular expression: {error}") from error
    return lambda text: compiled.search(text) is not None
