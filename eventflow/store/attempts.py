"""Attempts: one row a pod, written before the pod is created and completed when it ended. A finished one never changes.

    intended --observe--> started --observe--> finished | lost

Keyed by the workflow's seq and the pod's name: a deleted workflow's name may come again, and its pods' with it.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from eventflow.store.contract import Many, Row, Statement, Work

State = Literal["intended", "started", "finished", "lost"]
_COLUMNS = "pod, ordinal, state, spec_digest, pod_uid, intended_at, started_at, finished_at, result"
_INTEND = """
INSERT INTO attempts (workflow, pod, ordinal, spec_digest, intended_at, state, pod_uid)
VALUES ($1, $2, $3, $4, $5, 'intended', '') ON CONFLICT DO NOTHING
"""
_OBSERVE = """
UPDATE attempts SET state = $3, pod_uid = COALESCE(NULLIF($4, ''), pod_uid), started_at = COALESCE($5, started_at),
  finished_at = $6, result = $7
WHERE workflow = $1 AND pod = $2 AND (state = 'intended' OR (state = 'started' AND $3 <> 'intended'))
"""


@dataclass(frozen=True, slots=True)
class Intent:
    """A pod about to be created for a node; `spec_digest` tells the same attempt from another by the same name."""

    pod: str
    ordinal: int
    spec_digest: str


@dataclass(frozen=True, slots=True)
class Observation:
    """What was seen of a pod. `result` is the engine's encoding of its end. No uid or start: keeps what is known."""

    pod: str
    state: State
    pod_uid: str = ""
    started_at: float | None = None
    finished_at: float | None = None
    result: bytes | None = None


@dataclass(frozen=True, slots=True)
class Attempt:
    """An attempt as it stands."""

    pod: str
    ordinal: int
    state: State
    spec_digest: str
    pod_uid: str
    intended_at: float
    started_at: float | None
    finished_at: float | None
    result: bytes | None


def intend(workflow: int, rows: Iterable[Intent], now: float) -> Work[None]:
    """Record pods before they are created; one recorded before keeps its row."""
    values = [(workflow, row.pod, row.ordinal, row.spec_digest, now) for row in rows]
    if values:
        yield Many(_INTEND, values)


def observe(workflow: int, rows: Iterable[Observation]) -> Work[None]:
    """Record what was seen of pods. Only forwards: what comes again or late changes nothing."""
    values = [(workflow, row.pod, row.state, row.pod_uid, row.started_at, row.finished_at, row.result) for row in rows]
    if values:
        yield Many(_OBSERVE, values)


def unfinished(workflow: int) -> Work[list[Attempt]]:
    """Return the attempts that have not ended: what recovery asks the runtime to ensure."""
    return (yield from _select("workflow = $1 AND state IN ('intended', 'started')", (workflow,)))


def awaited() -> Work[list[tuple[int, str]]]:
    """Return (workflow, pod) of every attempt that has not ended, of all workflows that have not."""
    rows = yield Statement(
        "SELECT workflow, pod FROM attempts WHERE state IN ('intended', 'started')"
        " AND workflow IN (SELECT seq FROM workflows WHERE finished_at IS NULL)"
    )
    return [(workflow, pod) for workflow, pod in rows]


def of_workflow(workflow: int) -> Work[list[Attempt]]:
    """Return all attempts of a workflow by node and time of intention."""
    return (yield from _select("workflow = $1", (workflow,)))


def of_node(workflow: int, ordinal: int) -> Work[list[Attempt]]:
    """Return all attempts of a node, the first one first."""
    return (yield from _select("workflow = $1 AND ordinal = $2", (workflow, ordinal)))


def find(workflow: int, pod: str) -> Work[Attempt | None]:
    """Return the attempt of a pod."""
    found = yield from _select("workflow = $1 AND pod = $2", (workflow, pod))
    return found[0] if found else None


def _select(condition: str, values: tuple[int | str, ...]) -> Work[list[Attempt]]:
    rows = yield Statement(
        f"SELECT {_COLUMNS} FROM attempts WHERE {condition} ORDER BY ordinal, intended_at, pod",  # noqa: S608
        values,
    )
    return [_attempt(row) for row in rows]


def _attempt(row: Row) -> Attempt:
    return Attempt(*row)
