"""`/api/v1/event-log`, `/firings` and dead deliveries: what came in, what each sensor made of it, and why."""

from collections.abc import Mapping
from typing import Any

from aiohttp import web

from eventflow.api import answers
from eventflow.api.feed import event_data
from eventflow.api.parts import Parts
from eventflow.errors import NotFound, UserError
from eventflow.model.event import Event
from eventflow.store import deliveries, events, firings, workflows
from eventflow.store.contract import Work
from eventflow.store.deliveries import Decision
from eventflow.store.events import EventFilter

LARGEST_PAGE = 1000


class EventLogRoutes:
    """The handlers of the event log."""

    def __init__(self, app: Parts) -> None:
        self._app = app

    def add_to(self, router: web.UrlDispatcher) -> None:
        """Add the routes."""
        router.add_get("/api/v1/event-log", self.list)
        router.add_get("/api/v1/event-log/{event}", self.get)
        router.add_get("/api/v1/event-log/{event}/explain", self.explain)
        router.add_get("/api/v1/firings", self.firings)
        router.add_get("/api/v1/dead-letters", self.dead)
        router.add_post("/api/v1/dead-letters/redrive", self.redrive)
        router.add_get("/api/v1/endpoints", self.endpoints)

    async def list(self, request: web.Request) -> web.Response:
        """Return a page of events, the newest first; `cursor` leads to the next."""
        query = request.query
        wanted = EventFilter(
            namespace=query.get("namespace") or None,
            source_name=query.get("eventSource") or None,
            event_name=query.get("eventName") or None,
            type=query.get("type") or None,
            id=query.get("id") or None,
            since=_seconds(query, "since"),
            until=_seconds(query, "until"),
        )
        limit, cursor = _limit(query), query.get("cursor") or None
        page = await self._app.store.read(lambda: events.page(wanted, limit=limit, cursor=cursor))
        return answers.json({"items": [event_data(each) for each in page.events], "cursor": page.cursor})

    async def get(self, request: web.Request) -> web.Response:
        """Return an event with its payload."""
        event = await self._find(request)
        return answers.json({**event_data(event), "data": _payload(event), "contentType": event.datacontenttype})

    async def explain(self, request: web.Request) -> web.Response:
        """Return an event with every sensor's decision, its reason and the values behind it."""
        event = await self._find(request)
        decisions, made = await self._app.store.read(lambda: _decisions(event))
        return answers.json(
            {
                "event": {**event_data(event), "data": _payload(event)},
                "decisions": [_decision(each) for each in decisions],
                "workflows": made,
            }
        )

    async def _find(self, request: web.Request) -> Event:
        """Return an event by its position in the log, its id, or `@latest`. Raises NotFound."""
        name = request.match_info["event"]
        found = await self._app.store.read(lambda: _event(name))
        if found is None:
            raise NotFound(f"there is no event {name!r}", hint="`eventflow events list` shows them")
        return found

    async def firings(self, request: web.Request) -> web.Response:
        """Return a page of firings, the newest first."""
        query = request.query
        before = query.get("before") or ""
        at = int(before) if before.isdigit() else None
        limit = _limit(query)
        found = await self._app.store.read(lambda: firings.page(query.get("sensor") or None, limit=limit, before=at))
        keys = ("seq", "id", "sensor", "trigger", "outcome", "detail", "created_at", "completed_at")
        return answers.json({"items": [{key: getattr(each, key) for key in keys} for each in found]})

    async def dead(self, request: web.Request) -> web.Response:
        """Return deliveries that were given up."""
        limit = _limit(request.query)
        found = await self._app.store.read(lambda: deliveries.dead(limit))
        return answers.json({"items": [_decision(each) for each in found]})

    async def redrive(self, request: web.Request) -> web.Response:
        """Have dead deliveries tried again: `{"items": [{"event", "sensor"}]}`."""
        asked = await answers.json_body(request)
        try:
            ids = [(int(each["event"]), str(each["sensor"])) for each in asked.get("items") or ()]
        except (TypeError, KeyError, ValueError) as error:
            raise UserError('items must be a list of {"event": SEQ, "sensor": NAME}') from error
        now = self._app.clock.now()
        count = await self._app.store.write(lambda: deliveries.redrive(ids, now))
        self._app.wake()
        return answers.json({"redriven": count})

    async def endpoints(self, request: web.Request) -> web.Response:
        """Return where senders reach the event sources."""
        del request
        return answers.json({"items": [each.to_json() for each in described(self._app)]})


class Endpoint:
    """Where senders reach one entry of an EventSource."""

    def __init__(self, name: str, type: str, method: str, path: str) -> None:
        self.name = name
        self.type = type
        self.method = method
        self.path = path

    def to_json(self) -> dict[str, str]:
        """Return it as a plain JSON object."""
        return {"name": self.name, "type": self.type, "method": self.method, "path": self.path}


def described(app: Parts) -> list[Endpoint]:
    """Return all endpoints, by name."""
    found = [
        Endpoint(each.entry.id, each.entry.type, ",".join(each.methods), each.endpoint)
        for each in app.endpoints.routes()
    ]
    return sorted(found, key=lambda each: each.name)


def _event(name: str) -> Work[Event | None]:
    if name == "@latest":
        page = yield from events.page(EventFilter(), limit=1)
        return page.events[0] if page.events else None
    if name.isdigit():
        found = yield from events.find(int(name))
        if found is not None:
            return found
    page = yield from events.page(EventFilter(id=name), limit=1)
    return page.events[0] if page.events else None


def _decisions(event: Event) -> Work[tuple[list[Decision], list[dict[str, Any]]]]:
    decisions = yield from deliveries.of_event(event.seq)
    made: list[dict[str, Any]] = []
    for decision in decisions:
        for firing in _firings(decision.detail):
            header = yield from workflows.of_firing(firing)
            if header is not None:
                row = {"sensor": decision.sensor, "firing": firing, "name": header.name, "phase": header.phase}
                made.append({**row, "namespace": header.namespace})
    return decisions, made


def _firings(detail: Any) -> list[str]:
    found = detail.get("firings") if isinstance(detail, Mapping) else None
    items = found if isinstance(found, list) else []
    return [str(each.get("firing", "")) if isinstance(each, Mapping) else str(each) for each in items]


def _decision(found: Decision) -> dict[str, Any]:
    return {
        "event": found.event,
        "sensor": found.sensor,
        "outcome": found.outcome,
        "reason": found.reason,
        "detail": found.detail,
        "error": found.error,
        "tries": found.tries,
        "settledAt": found.settled_at,
    }


def _payload(event: Event) -> Any:
    try:
        return event.data
    except UserError:
        return event.data_bytes.decode("utf-8", "replace")


def _limit(query: Mapping[str, str]) -> int:
    text = query.get("limit") or "50"
    if not text.isdigit() or not int(text):
        raise UserError(f"limit must be a positive number, not {text!r}")
    return min(int(text), LARGEST_PAGE)


def _seconds(query: Mapping[str, str], name: str) -> float | None:
    text = query.get(name)
    if not text:
        return None
    try:
        return float(text)
    except ValueError:
        raise UserError(f"{name} must be seconds since 1970, not {text!r}") from None
