"""Firings: a sensor's decisions to trigger. The id is derived (`identity.firing_id`): deciding twice is one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from eventflow.store.contract import Row, Statement, Value, Work

_COLUMNS = "seq, id, sensor, trigger_name, keys, created_at, outcome, detail, completed_at"


@dataclass(frozen=True, slots=True)
class Firing:
    """A firing as it stands. `outcome` is `pending` until completed; `detail` says what came of it."""

    seq: int
    id: str
    sensor: str
    trigger: str
    keys: Sequence[str]
    created_at: float
    outcome: str
    detail: Any
    completed_at: float | None


def insert(firing_id: str, sensor: str, trigger: str, event_keys: Sequence[str], now: float) -> Work[bool]:
    """Record a firing; False when it had been decided before, and whatever it triggers must not happen again."""
    rows = yield Statement(
        """
        INSERT INTO firings (id, sensor, trigger_name, keys, created_at, outcome) VALUES ($1, $2, $3, $4, $5, 'pending')
        ON CONFLICT DO NOTHING RETURNING seq
        """,
        (firing_id, sensor, trigger, orjson.dumps(list(event_keys)).decode(), now),
    )
    return bool(rows)


def complete(firing_id: str, outcome: str, detail: Mapping[str, Any] | None, now: float) -> Work[bool]:
    """Record what came of a firing (`created`, `delivered`, `rejected` ...); False when that was recorded before."""
    rows = yield Statement(
        "UPDATE firings SET outcome = $2, detail = $3, completed_at = $4"
        " WHERE id = $1 AND outcome = 'pending' RETURNING id",
        (firing_id, outcome, None if detail is None else orjson.dumps(dict(detail)).decode(), now),
    )
    return bool(rows)


def find(firing_id: str) -> Work[Firing | None]:
    """Return a firing by its id."""
    rows = yield Statement(f"SELECT {_COLUMNS} FROM firings WHERE id = $1", (firing_id,))  # noqa: S608
    return _firing(rows[0]) if rows else None


def page(sensor: str | None = None, *, limit: int = 50, before: int | None = None) -> Work[list[Firing]]:
    """Return firings, the newest first; `before` is the seq of the last one on the page before."""
    conditions: list[tuple[str, Value]] = [("sensor =", sensor), ("seq <", before)]
    used = [(condition, value) for condition, value in conditions if value is not None]
    where = " AND ".join(f"{condition} ${n}" for n, (condition, _) in enumerate(used, 1))
    rows = yield Statement(
        f"SELECT {_COLUMNS} FROM firings {'WHERE ' if where else ''}{where}"  # noqa: S608
        f" ORDER BY seq DESC LIMIT ${len(used) + 1}",
        (*(value for _, value in used), limit),
    )
    return [_firing(row) for row in rows]


def collect(before: float, limit: int = 1000) -> Work[int]:
    """Delete up to `limit` firings completed before an instant; return how many.

    Without its firing an event could trigger again: keep firings at least as long as events.
    """
    rows = yield Statement(
        """
        SELECT {%array seq%}, COUNT(*) FROM (
          SELECT seq FROM firings WHERE completed_at < $1 ORDER BY completed_at LIMIT $2) AS ended
        """,
        (before, limit),
    )
    seqs, count = rows[0]
    yield Statement("DELETE FROM firings WHERE seq IN {%integers $1%}", (seqs,))
    number: int = count
    return number


def _firing(row: Row) -> Firing:
    seq, id_, sensor, trigger, keys, created_at, outcome, detail, completed_at = row
    return Firing(
        seq, id_, sensor, trigger, orjson.loads(keys), created_at, outcome, orjson.loads(detail or "null"), completed_at
    )
