"""Deliveries: one event addressed to one sensor, and that sensor's decision with its reason.

    pending --claim--> pending (leased) --settle--> matched | filtered | errored | held | expired | dropped
                                        --retry---> pending, later        --bury--> dead --redrive--> pending
    held    --resolve-> matched | expired | dropped

A lease is `due` moved ahead: when it runs out, the delivery may be claimed again. `tries` grows with each claim and is
the fence: what an overtaken consumer writes raises LostClaim and is undone.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import orjson

from eventflow.model.event import Event
from eventflow.store import events
from eventflow.store.contract import LostClaim, Row, Statement, Value, Work

Outcome = Literal["matched", "filtered", "errored", "held", "expired", "dropped"]

_COLUMNS = "event, sensor, outcome, due, tries, reason, detail, error, settled_at"


@dataclass(frozen=True, slots=True)
class Delivery:
    """A claimed delivery: the event, for which sensor, and the claim's fence."""

    event: Event
    sensor: str
    tries: int
    owner: str


@dataclass(frozen=True, slots=True)
class Decision:
    """A delivery as it stands. `detail` is whatever explains the reason (values of sub-expressions, firing ids ...)."""

    event: int
    sensor: str
    outcome: str
    due: float
    tries: int
    reason: str
    detail: Any
    error: str
    settled_at: float | None


def claim(
    owner: str, limit: int, now: float, lease_seconds: float, sensors: Sequence[str] | None = None
) -> Work[list[Delivery]]:
    """Lease up to `limit` due deliveries, the longest due first; other consumers' rows are passed over, not awaited."""
    some = "" if sensors is None else "AND sensor IN {%strings $5%}"
    values: tuple[Value, ...] = (owner, now + lease_seconds, now, limit)
    rows = yield Statement(
        f"""
        UPDATE deliveries SET owner = $1, due = $2, tries = tries + 1
        WHERE (event, sensor) IN (
          SELECT event, sensor FROM deliveries WHERE outcome = 'pending' AND due <= $3 {some}
          ORDER BY due, event LIMIT $4 {{%skip_locked%}})
        RETURNING event, sensor, tries
        """,  # noqa: S608
        values if sensors is None else (*values, _array(sensors)),
    )
    if not rows:
        return []
    found = yield from events.some(sorted({row[0] for row in rows}))
    return [Delivery(found[seq], sensor, tries, owner) for seq, sensor, tries in sorted(rows) if seq in found]


def settle(
    delivery: Delivery, outcome: Outcome, reason: str, detail: Mapping[str, Any] | None, now: float
) -> Work[None]:
    """Record a sensor's decision. Raises LostClaim when the lease ran out and another consumer took the delivery."""
    rows = yield Statement(
        """
        UPDATE deliveries SET outcome = $4, reason = $5, detail = $6, settled_at = $7, error = ''
        WHERE event = $1 AND sensor = $2 AND tries = $3 AND outcome = 'pending' RETURNING event
        """,
        (*_claimed(delivery), outcome, reason, _json(detail), now),
    )
    _check(delivery, rows)


def retry(delivery: Delivery, at: float, error: str) -> Work[None]:
    """Give a delivery back, to be claimed again from `at`. Raises LostClaim."""
    rows = yield Statement(
        """
        UPDATE deliveries SET due = $4, error = $5, owner = ''
        WHERE event = $1 AND sensor = $2 AND tries = $3 AND outcome = 'pending' RETURNING event
        """,
        (*_claimed(delivery), at, error),
    )
    _check(delivery, rows)


def release(now: float) -> Work[int]:
    """End all leases, for a process that is alone on its store and has none itself; return how many there were."""
    rows = yield Statement(
        "UPDATE deliveries SET due = $1, owner = '' WHERE outcome = 'pending' AND owner <> '' RETURNING event", (now,)
    )
    return len(rows)


def bury(delivery: Delivery, error: str, now: float) -> Work[None]:
    """Move a delivery to the dead letters, where it stays until it is redriven. Raises LostClaim."""
    rows = yield Statement(
        """
        UPDATE deliveries SET outcome = 'dead', error = $4, settled_at = $5
        WHERE event = $1 AND sensor = $2 AND tries = $3 AND outcome = 'pending' RETURNING event
        """,
        (*_claimed(delivery), error, now),
    )
    _check(delivery, rows)


def resolve(
    seqs: Sequence[int],
    sensor: str,
    outcome: Literal["matched", "expired", "dropped"],
    reason: str,
    detail: Mapping[str, Any] | None,
    now: float,
) -> Work[int]:
    """Decide deliveries that a join held back; return how many were still held."""
    rows = yield Statement(
        """
        UPDATE deliveries SET outcome = $3, reason = $4, detail = $5, settled_at = $6
        WHERE event IN {%integers $1%} AND sensor = $2 AND outcome = 'held' RETURNING event
        """,
        (_array(seqs), sensor, outcome, reason, _json(detail), now),
    )
    return len(rows)


def dead(limit: int = 50, after: tuple[int, str] | None = None) -> Work[list[Decision]]:
    """Return the dead letters in the order of the log, from behind (event, sensor)."""
    seq, sensor = after or (0, "")
    rows = yield Statement(
        f"SELECT {_COLUMNS} FROM deliveries WHERE outcome = 'dead' AND (event, sensor) > ($1, $2)"  # noqa: S608
        " ORDER BY event, sensor LIMIT $3",
        (seq, sensor, limit),
    )
    return [_decision(row) for row in rows]


def redrive(ids: Sequence[tuple[int, str]], now: float) -> Work[int]:
    """Make dead letters, given by (event, sensor), pending again, tries forgotten; return how many were dead."""
    count = 0
    for seq, sensor in ids:
        rows = yield Statement(
            """
            UPDATE deliveries SET outcome = 'pending', due = $3, tries = 0, owner = '', settled_at = NULL
            WHERE event = $1 AND sensor = $2 AND outcome = 'dead' RETURNING event
            """,
            (seq, sensor, now),
        )
        count += len(rows)
    return count


def replay(seqs: Sequence[int], sensor: str, now: float) -> Work[int]:
    """Address stored events to a sensor, anew where it had decided already; return how many are pending by this."""
    rows = yield Statement(
        """
        INSERT INTO deliveries (event, sensor, outcome, due, tries, owner, reason, error)
        SELECT seq, $2, 'pending', $3, 0, '', '', '' FROM events WHERE seq IN {%integers $1%} {%for_share%}
        ON CONFLICT (event, sensor) DO UPDATE
        SET outcome = 'pending', due = excluded.due, tries = 0, owner = '', reason = '', detail = NULL, error = '',
          settled_at = NULL
        WHERE deliveries.outcome <> 'pending' RETURNING event
        """,
        (_array(seqs), sensor, now),
    )
    return len(rows)


def counts() -> Work[dict[tuple[str, str], int]]:
    """Return the number of deliveries by (sensor, outcome), `pending` and `dead` included.

    Each stored event counts once for every sensor that it was addressed to. Reads the whole table.
    """
    rows = yield Statement("SELECT sensor, outcome, COUNT(*) FROM deliveries GROUP BY sensor, outcome")
    return {(row[0], row[1]): row[2] for row in rows}


def backlog() -> Work[tuple[int, float | None]]:
    """Return how many deliveries are pending and the earliest `due` among them (lag is now minus that)."""
    rows = yield Statement("SELECT COUNT(*), MIN(due) FROM deliveries WHERE outcome = 'pending'")
    return rows[0][0], rows[0][1]


def next_due() -> Work[float | None]:
    """Return the instant at which the next delivery may be claimed, None when none is pending."""
    rows = yield Statement("SELECT MIN(due) FROM deliveries WHERE outcome = 'pending'")
    due: float | None = rows[0][0]
    return due


def of_event(seq: int) -> Work[list[Decision]]:
    """Return what every sensor made of an event, by the sensor's name."""
    rows = yield Statement(f"SELECT {_COLUMNS} FROM deliveries WHERE event = $1 ORDER BY sensor", (seq,))  # noqa: S608
    return [_decision(row) for row in rows]


def _claimed(delivery: Delivery) -> tuple[int, str, int]:
    return delivery.event.seq, delivery.sensor, delivery.tries


def _check(delivery: Delivery, rows: list[Row]) -> None:
    if not rows:
        raise LostClaim(f"delivery of event {delivery.event.seq} to {delivery.sensor} was claimed again or has ended")


def _json(detail: Mapping[str, Any] | None) -> str | None:
    return None if detail is None else orjson.dumps(dict(detail), default=str).decode()


def _array(values: Sequence[str] | Sequence[int]) -> str:
    return orjson.dumps(list(values)).decode()


def _decision(row: Row) -> Decision:
    seq, sensor, outcome, due, tries, reason, detail, error, settled_at = row
    return Decision(seq, sensor, outcome, due, tries, reason, orjson.loads(detail or "null"), error, settled_at)
