"""Nodes: one row each, keyed by the workflow's seq and an ordinal that the engine gives."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import orjson

from eventflow.store.contract import Many, Statement, Work

_UPSERT = """
INSERT INTO nodes (workflow, ordinal, id, phase, data) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (workflow, ordinal) DO UPDATE SET id = excluded.id, phase = excluded.phase, data = excluded.data
"""


@dataclass(frozen=True, slots=True)
class NodeRow:
    """A node as stored. `data` is the engine's, opaque here."""

    ordinal: int
    id: str
    phase: str
    data: bytes


def upsert(workflow: int, rows: Iterable[NodeRow]) -> Work[None]:
    """Write nodes, new and changed; no ordinal twice in one call."""
    values = [(workflow, row.ordinal, row.id, row.phase, row.data) for row in rows]
    if values:
        yield Many(_UPSERT, values)


def of_workflow(workflow: int) -> Work[list[NodeRow]]:
    """Return a workflow's nodes by ordinal."""
    rows = yield Statement(
        "SELECT ordinal, id, phase, data FROM nodes WHERE workflow = $1 ORDER BY ordinal",
        (workflow,),
    )
    return [NodeRow(*row) for row in rows]


def some(workflow: int, ordinals: Sequence[int]) -> Work[list[NodeRow]]:
    """Return the nodes with these ordinals, as far as they are there, by ordinal."""
    rows = yield Statement(
        "SELECT ordinal, id, phase, data FROM nodes"
        " WHERE workflow = $1 AND ordinal IN {%integers $2%} ORDER BY ordinal",
        (workflow, orjson.dumps(list(ordinals)).decode()),
    )
    return [NodeRow(*row) for row in rows]


def part(workflow: int, start: int, limit: int) -> Work[list[NodeRow]]:
    """Return up to `limit` nodes from ordinal `start` on, by ordinal: a large workflow in parts."""
    rows = yield Statement(
        "SELECT ordinal, id, phase, data FROM nodes WHERE workflow = $1 AND ordinal >= $2 ORDER BY ordinal LIMIT $3",
        (workflow, start, limit),
    )
    return [NodeRow(*row) for row in rows]


def counts(workflow: int) -> Work[dict[str, int]]:
    """Return the number of nodes in each phase."""
    rows = yield Statement("SELECT phase, COUNT(*) FROM nodes WHERE workflow = $1 GROUP BY phase", (workflow,))
    return {row[0]: row[1] for row in rows}


def delete(workflow: int, ordinals: Sequence[int]) -> Work[None]:
    """Delete nodes (a retry starts them anew)."""
    yield Statement(
        "DELETE FROM nodes WHERE workflow = $1 AND ordinal IN {%integers $2%}",
        (workflow, orjson.dumps(list(ordinals)).decode()),
    )
