"""One step of the engine as one transaction: journal, changed nodes, pods intended and observed, the header.

What the step commands to be done is done after this has returned.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from eventflow.store import attempts, journal, leases, nodes, workflows
from eventflow.store.attempts import Intent, Observation
from eventflow.store.contract import Work
from eventflow.store.nodes import NodeRow


@dataclass(frozen=True, slots=True)
class Step:
    """What a step changed. `header` has the columns that `workflows.update` takes, `state` among them."""

    header: Mapping[str, Any] = field(default_factory=dict)
    nodes: Sequence[NodeRow] = ()
    intended: Sequence[Intent] = ()
    observed: Sequence[Observation] = ()
    journal: bytes = b""


def step(workflow: int, fence: leases.Fence | None, change: Step, now: float) -> Work[None]:
    """Write one step of a workflow, given by its seq. `fence` is the shard's, None where one process owns the file.

    Raises StaleOwner when another replica has the shard.
    """
    if fence is not None:
        yield from leases.check(fence)
    yield from nodes.upsert(workflow, change.nodes)
    yield from attempts.intend(workflow, change.intended, now)
    yield from attempts.observe(workflow, change.observed)
    if change.header:
        yield from workflows.update(workflow, change.header)
    if change.journal:
        yield from journal.append(workflow, change.journal, now)
