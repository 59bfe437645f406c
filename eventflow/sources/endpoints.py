"""All endpoints of the webhook-like sources: found by path, kept up to date, and served.

Two entries may ask for the same path (Argo gives each source a port of its own): the method decides, then the age. Each
entry can always be reached at `/sources/<namespace>/<event source>/<event>`.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import aiohttp
from yarl import URL

from eventflow.artifacts import outbound
from eventflow.artifacts.outbound import Outbound
from eventflow.artifacts.secrets import SecretReader
from eventflow.errors import EventflowError, TemporaryError, UserError
from eventflow.sources import webhook
from eventflow.sources.contract import Entry, Services
from eventflow.sources.payloads import shapes, verify
from eventflow.sources.payloads.request import Answer, Request, Surroundings
from eventflow.sources.webhook import REPLAYS, Route
from eventflow.store import objects
from eventflow.store.contract import Work
from eventflow.store.objects import Object

VISIT_SECONDS = 10.0
LARGEST_CERTIFICATE = 64 * 1024

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Table:
    """The routes at one revision: those with a plain path by it, and those with variables."""

    revision: int = -1
    plain: Mapping[str, list[Route]] = field(default_factory=dict)
    patterns: tuple[Route, ...] = ()


class _CertificateNeeded(Exception):
    """A signature cannot be checked before a certificate was fetched."""


class Endpoints:
    """The endpoints of a store's EventSources."""

    def __init__(self, services: Services, guard: Outbound, *, owner: str = "local") -> None:
        self._services = services
        self._guard = guard
        self._owner = owner
        self._table = _Table()
        self._certificates: dict[str, bytes] = {}
        self._lock = asyncio.Lock()

    async def reload(self, changed: frozenset[str] = frozenset()) -> None:
        """Read EventSources and their secrets anew."""
        del changed
        async with self._lock:
            revision, stored = await self._services.store.read(_read)
            if revision != self._table.revision:
                routes = [await self._route(entry, each) for each in stored for entry in entries(each)]
                self._table = _table(revision, routes)

    async def _route(self, entry: Entry, stored: Object) -> Route:
        reader = SecretReader(self._services.catalog, entry.namespace)
        secrets: dict[tuple[str, str], str] = {}
        for name, key in set(webhook.references(entry.config)):
            try:
                secrets[name, key] = await reader.value({"name": name, "key": key})
            except EventflowError as error:
                log.warning("%s: %s", entry.id, error)
        annotations = (stored.spec_manifest.get("metadata") or {}).get("annotations") or {}
        return Route(entry, secrets, annotations.get(REPLAYS) != "accept")

    def find(self, method: str, path: str) -> tuple[Route, Mapping[str, str]] | None:
        """Return the route of a path and the variables in it; one that takes the method if there is one."""
        found: list[tuple[Route, Mapping[str, str]]] = [(each, {}) for each in self._table.plain.get(path, ())]
        for route in self._table.patterns:
            variables = shapes.match(route.endpoint, path)
            if variables is not None:
                found.append((route, variables))
        fitting = [each for each in found if method in each[0].methods]
        return next(iter(fitting or found), None)

    def routes(self) -> list[Route]:
        """Return every route."""
        plain = {id(route): route for routes in self._table.plain.values() for route in routes}
        return [*plain.values(), *self._table.patterns]

    async def receive(self, route: Route, variables: Mapping[str, str], request: Request) -> Answer:
        """Store the events of a request and return the answer. Raises TemporaryError when they cannot be stored now."""
        entry, metrics = route.entry, self._services.metrics
        labels = entry.source_name, entry.event_name
        taken = await self._take(route, variables, request)
        if taken.answer.status >= 400:
            metrics.events(*labels, "refused").inc()
            metrics.processing_failed(entry.namespace, *labels).inc()
        if taken.dropped:
            metrics.events(*labels, "filtered").inc(taken.dropped)
        try:
            if taken.answer.visit:
                await self._fetch(taken.answer.visit)
            if taken.events:
                await self._services.log.receive(taken.events)
        except TemporaryError:
            metrics.events_failed(entry.namespace, *labels).inc()
            raise
        return taken.answer

    async def _take(self, route: Route, variables: Mapping[str, str], request: Request) -> webhook.Taken:
        now = self._services.clock.now()
        for _ in range(2):
            wanted: list[str] = []
            around = Surroundings(lambda name, key: route.secrets.get((name, key)), now, self._certificate(wanted))
            try:
                return webhook.take(route, request, variables, around, self._owner)
            except _CertificateNeeded:
                self._certificates[wanted[0]] = await self._fetch(wanted[0])
        raise TemporaryError("the certificate of the signature cannot be had")

    def _certificate(self, wanted: list[str]) -> Callable[[str], bytes]:
        def certificate(url: str) -> bytes:
            if url not in self._certificates:
                wanted.append(url)
                raise _CertificateNeeded
            return self._certificates[url]

        return certificate

    async def _fetch(self, address: str) -> bytes:
        """Fetch what a sender named, on a connection that may lead to public addresses only."""
        url = URL(address)
        self._guard.check(url)
        try:
            async with (
                asyncio.timeout(VISIT_SECONDS),
                outbound.open_session(self._guard, timeout=VISIT_SECONDS) as session,
                session.get(url, allow_redirects=False) as response,
            ):
                if response.status >= 300:
                    raise TemporaryError(f"{url.host} answered {response.status}")
                return await response.content.read(LARGEST_CERTIFICATE)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise outbound.translated(error, str(url.host)) from error


def _read() -> Work[tuple[int, list[Object]]]:
    revision = yield from objects.revision(("EventSource", "Secret"))
    found = yield from objects.select("EventSource")
    return revision, sorted(found, key=lambda each: (each.created_at, each.namespace, each.name))


def entries(stored: Object) -> list[Entry]:
    """Return the webhook-like entries of an EventSource."""
    return [each for each in entries_of(stored) if each.type in shapes.SHAPES]


def entries_of(stored: Object) -> list[Entry]:
    """Return all entries of an EventSource."""
    return [
        Entry(stored.namespace, stored.name, str(name), kind, config or {}, stored.uid, stored.revision)
        for kind, held in (stored.spec_manifest.get("spec") or {}).items()
        if isinstance(held, dict) and kind not in ("template", "service")
        for name, config in held.items()
    ]


def _table(revision: int, routes: list[Route]) -> _Table:
    plain: dict[str, list[Route]] = {}
    patterns: list[Route] = []
    for route in routes:
        plain.setdefault(route.address, []).append(route)
        if "{" in route.endpoint:
            patterns.append(route)
        else:
            plain.setdefault(route.endpoint, []).append(route)
    return _Table(revision, plain, tuple(patterns))


def check(kind: str, config: Mapping[str, object]) -> None:
    """Raise UserError for a webhook-like entry that cannot work."""
    shape = shapes.SHAPES[kind]
    context = shape.context(config)
    shapes.match(str(context.get("endpoint") or "/"), "/")
    block = context.get("verify")
    if isinstance(block, Mapping):
        verify.tolerance(block)
    largest = context.get("maxPayloadSize")
    if isinstance(largest, int) and largest > webhook.LARGEST:
        raise UserError(f"maxPayloadSize is at most {webhook.LARGEST}, not {largest}", hint="25 MiB is GitHub's limit")
