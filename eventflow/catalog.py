"""The catalog: users' objects, checked when they are applied, versioned, and told of when they change.

Promises: what is stored was valid for its kind when it was applied; `apply` returns once the change is durable and
those who listen (sources, sensors) have taken it in. Listening is a convenience, not a guarantee: whoever decides by a
list of objects compares `objects.revision` in the transaction of the decision.
"""

import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from eventflow.clock import Clock
from eventflow.errors import NotFound, UserError
from eventflow.model import kinds, manifest
from eventflow.model.manifest import Resource
from eventflow.store import objects
from eventflow.store.contract import Store, Work
from eventflow.store.objects import Object, Version

log = logging.getLogger(__name__)

KINDS = frozenset(kinds.MODULES) - {"Workflow"}
"""What the catalog keeps. Workflows are the engine's."""

DEFAULT_NAMESPACE = "default"

Change = Literal["created", "configured", "unchanged", "ignored"]
Check = Callable[[Resource], None]
Listener = Callable[[frozenset[str]], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Applied:
    """What became of an applied resource; `object` is None for kinds that only a cluster has a use for."""

    resource: Resource
    change: Change
    object: Object | None


class Catalog:
    """The objects of one store. Also what runtimes and artifact stores find ConfigMaps, Secrets and claims in."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._checks: dict[str, list[Check]] = {}
        self._listeners: list[tuple[frozenset[str], Listener]] = []

    def check(self, kind: str, check: Check) -> None:
        """Have resources of a kind checked before they are stored. A check raises UserError with the place."""
        self._checks.setdefault(kind, []).append(check)

    def listen(self, wanted: Iterable[str], listener: Listener) -> None:
        """Have `listener` called with the kinds that changed, after the change is durable."""
        self._listeners.append((frozenset(wanted), listener))

    async def apply(
        self, resources: Sequence[Resource], *, namespace: str = DEFAULT_NAMESPACE, dry_run: bool = False
    ) -> list[Applied]:
        """Store resources in one transaction: all of them or, if one is refused, none.

        `namespace` is for those that name none. With `dry_run`, everything is checked and nothing is stored. Raises
        UserError for a resource that is not valid, or is a Workflow.
        """
        for resource in resources:
            self.validate(resource)
        if dry_run:
            return [Applied(resource, "ignored", None) for resource in resources]
        now = self._clock.now()
        applied = await self._store.write(lambda: _apply(resources, namespace, now))
        await self._tell(each.resource.kind for each in applied if each.change in ("created", "configured"))
        return applied

    async def apply_text(
        self, text: bytes | str, file: str, *, namespace: str = DEFAULT_NAMESPACE, dry_run: bool = False
    ) -> list[Applied]:
        """Store what a YAML or JSON text holds; see `apply`. Raises ManifestError with every problem of the text."""
        return await self.apply(manifest.parse(text, file), namespace=namespace, dry_run=dry_run)

    async def put(self, resource: Resource, *, namespace: str, expect: int | None = None) -> Object:
        """Store one resource. `expect` is the revision it replaces, 0 for none. Raises UserError, Conflict."""
        self.validate(resource)
        now = self._clock.now()
        stored, change = await self._store.write(lambda: _put(resource, namespace, now, expect))
        if change != "unchanged":
            await self._tell([resource.kind])
        return stored

    def validate(self, resource: Resource) -> None:
        """Raise UserError, with the place, for a resource that cannot be stored."""
        if resource.kind in kinds.FOREIGN:
            return
        if resource.kind not in KINDS:
            raise UserError(
                f"a {resource.kind} is not kept as an object", location=resource.locate_key(("kind",)), hint="submit it"
            )
        if not resource.name:
            where = resource.locate_key(("metadata",))
            raise UserError(f"a {resource.kind} needs metadata.name", location=where, hint="generateName is for runs")
        for check in self._checks.get(resource.kind, ()):
            check(resource)

    async def delete(self, kind: str, namespace: str, name: str, *, expect: int | None = None) -> None:
        """Delete an object, its history kept. Raises NotFound, Conflict."""
        now = self._clock.now()
        there = home(kind, namespace)
        if not await self._store.write(lambda: objects.delete(kind, there, name, now, expect)):
            raise _missing(kind, there, name)
        await self._tell([kind])

    async def get(self, kind: str, namespace: str, name: str) -> Object:
        """Return an object. Raises NotFound."""
        found = await self._store.read(lambda: objects.get(kind, home(kind, namespace), name))
        if found is None:
            raise _missing(kind, home(kind, namespace), name)
        return found

    async def select(
        self, kind: str, namespace: str | None = None, labels: Mapping[str, str] | None = None
    ) -> list[Object]:
        """Return the objects of a kind by namespace and name, of all namespaces without one."""
        there = None if namespace is None else home(kind, namespace)
        return await self._store.read(lambda: objects.select(kind, there, labels))

    async def versions(self, kind: str, namespace: str, name: str) -> list[Version]:
        """Return every change of the objects that had this name, the newest first."""
        return await self._store.read(lambda: objects.versions(kind, home(kind, namespace), name))

    async def set_status(self, kind: str, namespace: str, name: str, status: Mapping[str, Any]) -> None:
        """Replace an object's status. Raises NotFound."""
        now = self._clock.now()
        await self._store.write(lambda: objects.set_status(kind, home(kind, namespace), name, status, now))

    async def find(self, kind: str, namespace: str, name: str) -> Mapping[str, Any] | None:
        """Return an object's manifest, or None (`runtimes.contract.Objects`)."""
        found = await self._store.read(lambda: objects.get(kind, home(kind, namespace), name))
        return None if found is None else found.manifest

    async def _tell(self, changed: Iterable[str]) -> None:
        names = frozenset(changed)
        for wanted, listener in self._listeners:
            if not wanted & names:
                continue
            try:
                await listener(wanted & names)
            except Exception:  # the change is durable: one listener's failure must not look like a refusal
                log.exception("a listener failed on a change of %s", ", ".join(sorted(wanted & names)))


def home(kind: str, namespace: str) -> str:
    """Return the namespace in which an object of a kind is kept: "" for those that belong to the cluster."""
    return "" if kind in kinds.CLUSTER_SCOPED else namespace or DEFAULT_NAMESPACE


def _apply(resources: Sequence[Resource], namespace: str, now: float) -> Work[list[Applied]]:
    applied: list[Applied] = []
    for resource in resources:
        if resource.kind in kinds.FOREIGN:
            applied.append(Applied(resource, "ignored", None))
            continue
        stored, change = yield from _put(resource, namespace, now, None)
        applied.append(Applied(resource, change, stored))
    return applied


def _put(resource: Resource, namespace: str, now: float, expect: int | None) -> Work[tuple[Object, objects.Change]]:
    there = home(resource.kind, resource.namespace or namespace)
    return (yield from objects.put(resource.kind, there, resource.name, resource.manifest, now, expect))


def _missing(kind: str, namespace: str, name: str) -> NotFound:
    where = f" in namespace '{namespace}'" if namespace else ""
    return NotFound(f"{kind} '{name}' not found{where}", hint=f"`eventflow get {kind.lower()}` shows what there is")
