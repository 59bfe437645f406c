"""Running again what ended: retry starts the failed part of a workflow anew, resubmit makes a new workflow.

Retry is a plan first, which can be looked at, then one transaction: nodes are deleted, reset and numbered anew, the
workflow's phase goes back, its generation grows. Then the workflow is loaded as ever. Pods of a later generation have
names of their own, so none is started twice, and the attempts of earlier ones stay as they were.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import orjson

from eventflow.engine import submission
from eventflow.engine.core import present, replay
from eventflow.engine.core.definition import Definition
from eventflow.engine.core.replay import Plan
from eventflow.engine.core.state import Node, WorkflowState
from eventflow.engine.service import load
from eventflow.errors import Conflict, NotFound
from eventflow.store import journal, leases, nodes, workflows
from eventflow.store.contract import Work
from eventflow.store.nodes import NodeRow
from eventflow.store.workflows import Header

if TYPE_CHECKING:
    from eventflow.engine.service import Engine

RESUBMITTED_LABEL = "workflows.argoproj.io/resubmitted-from-workflow"


def _any(node: Node) -> bool:
    del node
    return True


@dataclass(frozen=True, slots=True)
class Options:
    """How to retry. With `restart_successful`, nodes that `select` accepts run again though they succeeded.

    `parameters` replace the workflow's arguments.
    """

    parameters: Mapping[str, str] = field(default_factory=dict)
    restart_successful: bool = False
    select: Callable[[Node], bool] = _any


async def preview(engine: "Engine", header: Header, options: Options) -> dict[str, Any]:
    """Return what a retry would do: names of nodes to run anew and to reset. Raises Conflict, NotFound."""
    loaded = await engine.store.read(lambda: load(header.seq))
    _, _, found, plan = _planned(header, loaded, options)
    return {
        "rerun": [found[each].name for each in sorted(plan.deleted)],
        "reset": [found[each].name for each in sorted(plan.reset)],
        "kept": len(found) - len(plan.deleted) - len(plan.reset),
    }


async def retry(engine: "Engine", header: Header, options: Options) -> Header:
    """Run what failed in an ended workflow again. Raises Conflict if it has not ended, or has nothing to run again."""
    now = engine.clock.now()
    fence = engine.fence(header.shard)

    def work() -> Work[Header]:
        if fence is not None:
            yield from leases.check(fence)
        definition, state, found, plan = _planned(header, (yield from load(header.seq)), options)
        kept = replay.applied(plan, found, now)
        replay.reopen(state, definition, now)
        if options.parameters:
            definition = _with_parameters(definition, options.parameters)
            yield from workflows.redefine(
                header.seq, orjson.dumps(definition.manifest), orjson.dumps(definition.to_json())
            )
        yield from nodes.delete(header.seq, [node.ordinal for node in found])
        return (yield from _stored(header.seq, state, kept, now, "Retried"))

    reopened = await engine.store.write(work)
    await engine.wake(reopened)
    return reopened


async def resubmit(
    engine: "Engine", header: Header, key: str, parameters: Mapping[str, str], *, memoized: bool = False
) -> Header:
    """Run a workflow again as a new one, named by its prefix and `key`. Raises Conflict, NotFound.

    With `memoized`, the pods that succeeded are not run: they become Skipped nodes with the outputs they had.
    """
    now = engine.clock.now()

    def work() -> Work[Header]:
        loaded = yield from load(header.seq)
        if loaded is None:
            raise NotFound(f"workflow {header.name!r} not found")
        definition, state, _ = loaded
        if memoized and state.phase not in ("Failed", "Error"):
            raise Conflict(f"workflow {header.name!r} is {state.phase}; only a Failed or Error one has memoized nodes")
        request = submission.Request(_fresh(definition, header), key, namespace=header.namespace, parameters=parameters)
        creation = yield from engine.admit(request)
        if not memoized or not creation.created:
            return creation.header
        return (yield from _memoized(header, creation.header, now))

    made = await engine.store.write(work)
    await engine.wake(made)
    return made


def _planned(
    header: Header, loaded: tuple[Definition, WorkflowState, list[Node]] | None, options: Options
) -> tuple[Definition, WorkflowState, list[Node], Plan]:
    if loaded is None:
        raise NotFound(f"workflow {header.name!r} not found")
    definition, state, found = loaded
    if not state.ended:
        raise Conflict(f"workflow {header.name!r} has not ended", hint="stop or terminate it first")
    if state.phase == "Succeeded" and not options.restart_successful:
        raise Conflict(f"workflow {header.name!r} succeeded", hint="restartSuccessful and a node field selector")
    present.link(found)
    again = {node.ordinal for node in found if options.restart_successful and options.select(node)}
    return definition, state, found, replay.plan(definition, found, again)


def _stored(seq: int, state: WorkflowState, kept: Sequence[Node], now: float, what: str) -> Work[Header]:
    rows = [NodeRow(node.ordinal, node.id, node.phase.value, orjson.dumps(node.to_json())) for node in kept]
    yield from nodes.upsert(seq, rows)
    change = {
        "phase": state.phase,
        "message": "",
        "started_at": state.started_at,
        "finished_at": None,
        "progress": "",
        "archived": 0,
        "node_count": len(kept),
        "state": orjson.dumps(state.to_json()),
    }
    yield from workflows.update(seq, change)
    yield from workflows.set_labels(seq, state.labels)
    yield from journal.append(seq, orjson.dumps([[what, state.generation]]), now)
    header = yield from workflows.load_seq(seq)
    if header is None:
        raise NotFound(f"workflow {state.name!r} not found")
    return header


def _memoized(old: Header, new: Header, now: float) -> Work[Header]:
    """Give a new workflow the nodes of an old one that succeeded."""
    before = yield from load(old.seq)
    after = yield from load(new.seq)
    if before is None or after is None:
        raise NotFound(f"workflow {old.name!r} not found")
    definition, state, found = before
    present.link(found)
    kept = replay.applied(replay.plan(definition, found, set()), found, now)
    replay.adopt(kept, old.name, new.name)
    fresh = after[1]
    replay.reopen(fresh, after[0], now)
    fresh.generation, fresh.outputs = 0, state.outputs
    return (yield from _stored(new.seq, fresh, kept, now, "Resubmitted"))


def _fresh(definition: Definition, header: Header) -> dict[str, Any]:
    """Return the manifest of a workflow without what belongs to its old run.

    Source: Argo v4.1.2 workflow/util/util.go FormulateResubmitWorkflow.
    """
    manifest = dict(definition.manifest)
    metadata = manifest.get("metadata") or {}
    own = ("workflows.argoproj.io/phase", "workflows.argoproj.io/completed")
    labels = {key: value for key, value in (metadata.get("labels") or {}).items() if key not in own}
    kept = {key: metadata[key] for key in ("annotations", "namespace") if key in metadata}
    prefix = metadata.get("generateName") or f"{header.name}-"
    labels[RESUBMITTED_LABEL] = header.name
    return {**manifest, "metadata": {**kept, "generateName": prefix, "labels": labels}}


def _with_parameters(definition: Definition, parameters: Mapping[str, str]) -> Definition:
    spec = submission.with_parameters(definition.spec, parameters)
    own = submission.with_parameters(definition.manifest.get("spec") or {}, parameters)
    return Definition({**definition.manifest, "spec": own}, spec, definition.templates, definition.config)
