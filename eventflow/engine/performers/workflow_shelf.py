"""The shelf of workflows: creating one runs it, and a few of its fields can be changed while it runs."""

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

import orjson

from eventflow.engine import queries, submission
from eventflow.engine.core import present, variables
from eventflow.engine.core.definition import Definition
from eventflow.engine.core.state import WorkflowState
from eventflow.engine.core.stimuli import MetadataChanged, ResumeRequested, Stimulus, StopRequested, SuspendRequested
from eventflow.engine.performers import kubectl
from eventflow.engine.performers.kubectl import Refused
from eventflow.engine.performers.shelf import Change, Place, Tree
from eventflow.engine.submission import Request
from eventflow.errors import Conflict, NotFound, UserError
from eventflow.model import identity
from eventflow.store import workflows
from eventflow.store.contract import Work
from eventflow.store.progress import Step
from eventflow.store.workflows import Header, WorkflowFilter

if TYPE_CHECKING:
    from eventflow.engine.service import Engine

KIND = "Workflow"
_PAGE = 500
_CONTROLS = ("suspend", "shutdown")


class WorkflowShelf:
    """The workflows of an engine."""

    def __init__(self, engine: "Engine") -> None:
        self._engine = engine

    async def create(self, manifest: Tree, namespace: str, key: str) -> Tree:
        header = await self._admitted(manifest, namespace, key)
        wanted = identity.uid_for(KIND, header.namespace, header.name, key)
        if header.uid != wanted:
            raise kubectl.already_exists(KIND, header.name)
        await self._engine.wake(header)
        return await self._shown(header)

    async def apply(self, manifest: Tree, namespace: str, key: str) -> Tree:
        metadata = manifest.get("metadata") or {}
        place = Place(KIND, str(metadata.get("namespace") or namespace), str(metadata.get("name") or ""))
        header = await self._header(place)
        if header is None:
            return await self.create(manifest, namespace, key)
        return await self.patch(place, lambda current: _applied(current, manifest))

    async def replace(self, place: Place, manifest: Tree) -> Tree:
        return await self.patch(place, lambda _: manifest)

    async def patch(self, place: Place, change: Change) -> Tree:
        header = await self._header(place)
        if header is None:
            raise kubectl.not_found(KIND, place.name)
        before = await self.glance(place) or {}
        after = change(before)
        _check(before, after)
        labels, annotations = (_changes(before, after, word) for word in ("labels", "annotations"))
        if labels or annotations:
            await self._describe(header, labels, annotations)
        for stimulus in _signals(before.get("spec") or {}, after.get("spec") or {}, self._engine.clock.now()):
            await self._engine.signal(header, partial(_same, stimulus))
        return await self._shown(header)

    async def delete(self, place: Place) -> None:
        header = await self._header(place)
        if header is None:
            return
        if header.finished_at is None:
            now = self._engine.clock.now()
            try:
                await self._engine.signal(header, lambda _: StopRequested(now, "Terminate"))
                await self._engine.end_of(header)
            except Conflict:
                pass  # it ended just now
        await self._engine.store.write(lambda: workflows.delete(header.uid))

    async def find(self, place: Place) -> Tree | None:
        header = await self._header(place)
        return None if header is None else await self._shown(header)

    async def glance(self, place: Place) -> Tree | None:
        header = await self._header(place)
        if header is None:
            return None
        live = self._engine.live(header.seq)
        if live is not None:
            return present.workflow_object(live.definition, live.state, ())
        found = await self._engine.store.read(lambda: workflows.bodies(header.seq))
        return None if found is None else present.workflow_object(*_parts(found), ())

    async def names(self, kind: str, namespace: str, selector: str) -> list[str]:
        del kind
        found: list[str] = []
        before: int | None = None
        while True:
            wanted = WorkflowFilter(namespace=namespace)
            page = await self._engine.store.read(partial(workflows.page, wanted, limit=_PAGE, before=before))
            found += [each.name for each in page if kubectl.fits(selector, each.labels)]
            if len(page) < _PAGE:
                return found
            before = page[-1].seq

    async def _admitted(self, manifest: Tree, namespace: str, key: str) -> Header:
        request = Request(manifest, key, namespace=namespace)
        try:
            creation = await self._engine.store.write(lambda: self._engine.admit(request))
        except UserError as error:
            raise Refused(f'error: error when creating "{kubectl.MANIFEST}": {error.message}') from error
        return creation.header

    async def _header(self, place: Place) -> Header | None:
        return await self._engine.store.read(lambda: workflows.load_named(place.namespace, place.name))

    async def _shown(self, header: Header) -> Tree:
        try:
            return await queries.workflow_object(self._engine, header)
        except NotFound:
            raise kubectl.not_found(KIND, header.name) from None

    async def _describe(self, header: Header, labels: Mapping[str, Any], annotations: Mapping[str, Any]) -> None:
        """Change labels and annotations; None removes one."""
        at = self._engine.clock.now()
        try:
            await self._engine.signal(header, lambda _: MetadataChanged(at, labels, annotations))
        except Conflict:
            await self._describe_ended(header, labels, annotations, at)

    async def _describe_ended(
        self, header: Header, labels: Mapping[str, Any], annotations: Mapping[str, Any], at: float
    ) -> None:
        def read() -> Work[WorkflowState | None]:
            found = yield from workflows.bodies(header.seq)
            return None if found is None else _parts(found)[1]

        state = await self._engine.store.read(read)
        if state is None:
            raise kubectl.not_found(KIND, header.name)
        state.labels = variables.merged(state.labels, labels)
        state.annotations = variables.merged(state.annotations, annotations)
        step = Step({"state": orjson.dumps(state.to_json())})
        await self._engine.write_step(header, step, state.labels, at)


def _parts(found: workflows.Bodies) -> tuple[Definition, WorkflowState]:
    return Definition.from_json(orjson.loads(found.definition)), WorkflowState.from_json(orjson.loads(found.state))


def _applied(current: Tree, manifest: Tree) -> Tree:
    """Return a workflow with what is applied laid over it."""
    metadata, given = dict(current["metadata"]), manifest.get("metadata") or {}
    for word in ("labels", "annotations"):
        if given.get(word):
            metadata[word] = {**(metadata.get(word) or {}), **given[word]}
    spec = submission.merge(current.get("spec") or {}, manifest.get("spec") or {})
    return {**current, "metadata": metadata, "spec": spec}


def _changes(before: Tree, after: Tree, word: str) -> dict[str, Any]:
    old = (before.get("metadata") or {}).get(word) or {}
    new = (after.get("metadata") or {}).get(word) or {}
    removed = {key: None for key in old if key not in new}
    return {**removed, **{key: value for key, value in new.items() if old.get(key) != value}}


def _check(before: Tree, after: Tree) -> None:
    """Refuse changes of what cannot be changed any more."""
    old, new = before.get("spec") or {}, after.get("spec") or {}
    for field in sorted({*old, *new} - set(_CONTROLS)):
        if old.get(field) != new.get(field):
            raise Refused(
                f"Error from server (Invalid): a workflow's spec.{field} cannot be changed once it is submitted; "
                "only labels, annotations, spec.suspend and spec.shutdown can"
            )


def _signals(old: Mapping[str, Any], new: Mapping[str, Any], at: float) -> list[Stimulus]:
    found: list[Stimulus] = []
    if new.get("shutdown") and new["shutdown"] != old.get("shutdown"):
        found.append(StopRequested(at, str(new["shutdown"])))
    if "suspend" in new and bool(new["suspend"]) != bool(old.get("suspend")):
        found.append(SuspendRequested(at) if new["suspend"] else ResumeRequested(at))
    return found


def _same(stimulus: Stimulus, workflow: object) -> Stimulus:
    """What `Engine.signal` takes for a stimulus that names no nodes."""
    del workflow
    return stimulus
