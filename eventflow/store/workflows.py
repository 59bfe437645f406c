"""Workflows: a small header that lists and filters read, and beside it what was submitted and the engine's state.

Child rows (nodes, attempts, journal) are keyed by the header's `seq`.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from eventflow.errors import InvariantError
from eventflow.model import identity
from eventflow.store.contract import Many, Row, Statement, Value, Work

_COLUMNS = (
    "seq, uid, namespace, name, phase, message, priority, created_at, started_at, finished_at, firing, labels,"
    " template, node_count, progress, shard, archived"
)
_INSERT = """
INSERT INTO workflows (uid, namespace, name, phase, message, priority, created_at, firing, labels, template, node_count,
  progress, shard, archived)
VALUES ($1, $2, $3, $4, '', $5, $6, $7, $8, $9, 0, '', $10, 0) ON CONFLICT DO NOTHING RETURNING seq
"""
_CHANGEABLE = frozenset(
    {"phase", "message", "priority", "started_at", "finished_at", "node_count", "progress", "archived"}
)
_CHILDREN = ("workflow_sources", "workflow_states", "nodes", "attempts", "journal")


@dataclass(frozen=True, slots=True)
class NewWorkflow:
    """A workflow to create. `manifest` is the object as submitted, `definition` the templates it refers to as they were
    then, `state` the engine's; all three opaque here. `template` names the source template ("" for none).
    """

    uid: str
    namespace: str
    name: str
    manifest: bytes
    created_at: float
    definition: bytes = b""
    state: bytes = b""
    phase: str = "Pending"
    priority: int = 0
    firing: str | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    template: str = ""


@dataclass(frozen=True, slots=True)
class Header:
    """What lists show of a workflow. Instants in seconds since the epoch; `progress` is "N/M"."""

    seq: int
    uid: str
    namespace: str
    name: str
    phase: str
    message: str
    priority: int
    created_at: float
    started_at: float | None
    finished_at: float | None
    firing: str | None
    labels: Mapping[str, str]
    template: str
    node_count: int
    progress: str
    shard: int
    archived: bool


@dataclass(frozen=True, slots=True)
class Creation:
    """The workflow that is there after `create`, and whether this call made it."""

    header: Header
    created: bool


@dataclass(frozen=True, slots=True)
class Bodies:
    """The large parts of a workflow, as they were given to `create` and the last step."""

    manifest: bytes
    definition: bytes
    state: bytes


@dataclass(frozen=True, slots=True)
class WorkflowFilter:
    """Which workflows a page shows; what is None or empty does not filter. `labels` must all be equal.

    `created_after` <= created_at < `created_before`, in epoch seconds.
    """

    namespace: str | None = None
    phases: Sequence[str] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    name_prefix: str = ""
    created_after: float | None = None
    created_before: float | None = None
    archived: bool | None = None


def create(new: NewWorkflow) -> Work[Creation]:
    """Create a workflow unless its uid, its firing or its name is there: then nothing changes and that one is returned.

    A header with another uid and another firing means that the name is taken.
    """
    labels = orjson.dumps(dict(new.labels)).decode()
    shard = identity.shard_of(new.uid)
    rows = yield Statement(
        _INSERT,
        (
            *(new.uid, new.namespace, new.name, new.phase, new.priority, new.created_at, new.firing, labels),
            *(new.template, shard),
        ),
    )
    if not rows:
        return Creation((yield from _existing(new)), created=False)
    seq = rows[0][0]
    sources = "INSERT INTO workflow_sources (workflow, manifest, definition) VALUES ($1, $2, $3)"
    yield Statement(sources, (seq, new.manifest, new.definition))
    yield Statement("INSERT INTO workflow_states (workflow, state) VALUES ($1, $2)", (seq, new.state))
    yield from _insert_labels(seq, new.labels)
    times = (new.created_at, None, None)
    header = (seq, new.uid, new.namespace, new.name, new.phase, "", new.priority, *times, new.firing)
    return Creation(Header(*header, dict(new.labels), new.template, 0, "", shard, archived=False), created=True)


def _existing(new: NewWorkflow) -> Work[Header]:
    found = yield from load(new.uid)
    if found is None and new.firing is not None:
        found = yield from of_firing(new.firing)
    if found is None:
        found = yield from load_named(new.namespace, new.name)
    if found is None:
        raise InvariantError(f"workflow {new.namespace}/{new.name} neither could be created nor is there")
    return found


def load(uid: str) -> Work[Header | None]:
    """Return a workflow's header by uid."""
    return (yield from _one("uid = $1", (uid,)))


def load_named(namespace: str, name: str) -> Work[Header | None]:
    """Return the header of the live (not archived) workflow of this name, else of the newest archived one."""
    live = yield from _one("namespace = $1 AND name = $2 AND archived = 0", (namespace, name))
    if live is not None:
        return live
    return (
        yield from _one("namespace = $1 AND name = $2 AND archived = 1 ORDER BY seq DESC LIMIT 1", (namespace, name))
    )


def load_seq(seq: int) -> Work[Header | None]:
    """Return a workflow's header by its row key."""
    return (yield from _one("seq = $1", (seq,)))


def of_firing(firing: str) -> Work[Header | None]:
    """Return the workflow that a firing created."""
    return (yield from _one("firing = $1", (firing,)))


def latest(namespace: str | None = None) -> Work[Header | None]:
    """Return the newest workflow (`@latest`)."""
    if namespace is None:
        return (yield from _one("archived = 0 ORDER BY seq DESC LIMIT 1", ()))
    return (yield from _one("namespace = $1 AND archived = 0 ORDER BY seq DESC LIMIT 1", (namespace,)))


def bodies(seq: int) -> Work[Bodies | None]:
    """Return what was submitted and the engine's state."""
    rows = yield Statement(
        "SELECT manifest, definition, state FROM workflow_sources AS s"
        " JOIN workflow_states AS t ON t.workflow = s.workflow WHERE s.workflow = $1",
        (seq,),
    )
    return Bodies(*rows[0]) if rows else None


def nonterminal(shards: Iterable[int] | None = None) -> Work[list[Header]]:
    """Return the workflows that have no `finished_at`, oldest first, of some shards or of all: what recovery loads."""
    wanted = range(identity.SHARDS) if shards is None else sorted(shards)
    rows = yield Statement(
        f"SELECT {_COLUMNS} FROM workflows"  # noqa: S608
        " WHERE finished_at IS NULL AND shard IN {%integers $1%} ORDER BY seq",
        (orjson.dumps(list(wanted)).decode(),),
    )
    return [_header(row) for row in rows]


def finished(before: float, limit: int = 100) -> Work[list[Header]]:
    """Return live workflows that finished before an instant, in that order: what garbage collection considers."""
    rows = yield Statement(
        f"SELECT {_COLUMNS} FROM workflows"  # noqa: S608
        " WHERE finished_at < $1 AND archived = 0 ORDER BY finished_at LIMIT $2",
        (before, limit),
    )
    return [_header(row) for row in rows]


def update(seq: int, changes: Mapping[str, Any]) -> Work[None]:
    """Change header columns (phase, message, priority, started_at, finished_at, node_count, progress, archived) and
    `state`. Raises InvariantError on another name.
    """
    columns = sorted(changes.keys() - {"state"})
    if unknown := set(columns) - _CHANGEABLE:
        raise InvariantError(f"a workflow's {', '.join(sorted(unknown))} cannot be changed")
    if columns:
        assignments = ", ".join(f"{column} = ${n}" for n, column in enumerate(columns, 2))
        values = (seq, *(changes[column] for column in columns))
        yield Statement(f"UPDATE workflows SET {assignments} WHERE seq = $1", values)  # noqa: S608
    if "state" in changes:
        yield Statement("UPDATE workflow_states SET state = $2 WHERE workflow = $1", (seq, changes["state"]))


def redefine(seq: int, manifest: bytes, definition: bytes) -> Work[None]:
    """Replace what was submitted: a retry with other parameters."""
    yield Statement(
        "UPDATE workflow_sources SET manifest = $2, definition = $3 WHERE workflow = $1", (seq, manifest, definition)
    )


def set_labels(seq: int, labels: Mapping[str, str]) -> Work[None]:
    """Replace a workflow's labels."""
    yield from _delete_labels(seq)
    text = orjson.dumps(dict(labels)).decode()
    yield Statement("UPDATE workflows SET labels = $2 WHERE seq = $1", (seq, text))
    yield from _insert_labels(seq, labels)


def delete(uid: str) -> Work[bool]:
    """Delete a workflow and all its rows; False when there is none. Its firing stays known, so it is not made again."""
    found = yield from load(uid)
    if found is None:
        return False
    yield from _delete_labels(found.seq)
    for table in _CHILDREN:
        yield Statement(f"DELETE FROM {table} WHERE workflow = $1", (found.seq,))  # noqa: S608
    yield Statement("DELETE FROM workflows WHERE seq = $1", (found.seq,))
    return True


def page(filter: WorkflowFilter, *, limit: int = 50, before: int | None = None) -> Work[list[Header]]:
    """Return headers, the newest first; `before` is the seq of the last one on the page before. Never counts.

    Each phase is asked for by itself, so that a rare one is found by its index among a million of another.
    """
    found: list[Row] = []
    for phase in filter.phases or (None,):
        table, where, values = _conditions(filter, phase, before)
        order = "l.workflow" if filter.labels else "w.seq"
        rows = yield Statement(
            f"SELECT {', '.join('w.' + column for column in _COLUMNS.split(', '))} FROM {table}"  # noqa: S608
            f" {'WHERE ' if where else ''}{' AND '.join(where)} ORDER BY {order} DESC LIMIT ${len(values) + 1}",
            (*values, limit),
        )
        found += rows
    return [_header(row) for row in sorted(found, reverse=True)[:limit]]


def _conditions(filter: WorkflowFilter, phase: str | None, before: int | None) -> tuple[str, list[str], list[Value]]:
    table = "workflows AS w"
    wanted: list[tuple[str, Value]] = [
        ("w.namespace = {}", filter.namespace),
        ("w.phase = {}", phase),
        ("w.created_at >= {}", filter.created_after),
        ("w.created_at < {}", filter.created_before),
        ("w.archived = {}", None if filter.archived is None else int(filter.archived)),
        (f"substr(w.name, 1, {len(filter.name_prefix)}) = {{}}", filter.name_prefix or None),
        ("l.workflow < {}" if filter.labels else "w.seq < {}", before),
    ]
    used = [(condition, value) for condition, value in wanted if value is not None]
    where = [condition.format(f"${n}") for n, (condition, _) in enumerate(used, 1)]
    values: list[Value] = [value for _, value in used]
    for position, (key, value) in enumerate(filter.labels.items()):
        alias = f"l{position}" if position else "l"
        match = f"{alias}.workflow = w.seq AND {alias}.key = ${len(values) + 1} AND {alias}.value = ${len(values) + 2}"
        table += f" JOIN workflow_labels AS {alias} ON {match}"
        values += [key, value]
    return table, where, values


def _one(condition: str, values: Sequence[Value]) -> Work[Header | None]:
    rows = yield Statement(f"SELECT {_COLUMNS} FROM workflows WHERE {condition}", values)  # noqa: S608
    return _header(rows[0]) if rows else None


def _insert_labels(seq: int, labels: Mapping[str, str]) -> Work[None]:
    if labels:
        rows = [(key, value, seq) for key, value in labels.items()]
        yield Many("INSERT INTO workflow_labels (key, value, workflow) VALUES ($1, $2, $3)", rows)


def _delete_labels(seq: int) -> Work[None]:
    # The table is ordered by key and value, so the rows are found through the labels the header has.
    rows = yield Statement("SELECT labels FROM workflows WHERE seq = $1", (seq,))
    labels = orjson.loads(rows[0][0]) if rows else {}
    if labels:
        keys = [(key, value, seq) for key, value in labels.items()]
        yield Many("DELETE FROM workflow_labels WHERE key = $1 AND value = $2 AND workflow = $3", keys)


def _header(row: Row) -> Header:
    values = list(row)
    values[11] = orjson.loads(row[11])
    values[16] = bool(row[16])
    return Header(*values)
