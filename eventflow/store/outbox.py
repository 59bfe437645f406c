"""The outbox: what triggers other than workflows still have to do. At least once: the id is the receiver's key.

    pending --claim--> pending (leased) --done--> done | --retry--> pending, later | --bury--> dead --redrive--> pending

Leases and their fence work as in `deliveries`.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from eventflow.store.contract import LostClaim, Row, Statement, Work

_COLUMNS = "id, firing, sensor, trigger_name, kind, payload, tries, owner, state, error, created_at"


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing to do. `id` is unique and derived (the firing's, or firing and part); `kind` names who does it."""

    id: str
    firing: str
    sensor: str
    trigger: str
    kind: str
    payload: bytes
    tries: int = 0
    owner: str = ""
    state: str = "pending"
    error: str = ""
    created_at: float = 0.0


def put(entry: Entry, now: float) -> Work[bool]:
    """Add an entry, due at once; False when its id is there already."""
    rows = yield Statement(
        """
        INSERT INTO outbox
          (id, firing, sensor, trigger_name, kind, payload, due, created_at, state, tries, owner, error)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 'pending', 0, '', '') ON CONFLICT DO NOTHING RETURNING id
        """,
        (entry.id, entry.firing, entry.sensor, entry.trigger, entry.kind, entry.payload, now, now),
    )
    return bool(rows)


def claim(owner: str, limit: int, now: float, lease_seconds: float) -> Work[list[Entry]]:
    """Lease up to `limit` due entries, the longest due first."""
    rows = yield Statement(
        f"""
        UPDATE outbox SET owner = $1, due = $2, tries = tries + 1
        WHERE id IN (SELECT id FROM outbox WHERE state = 'pending' AND due <= $3
          ORDER BY due LIMIT $4 {{%skip_locked%}})
        RETURNING {_COLUMNS}
        """,  # noqa: S608
        (owner, now + lease_seconds, now, limit),
    )
    return sorted((_entry(row) for row in rows), key=lambda entry: (entry.created_at, entry.id))


def done(entry: Entry, now: float) -> Work[None]:
    """Record that a claimed entry was carried out. Raises LostClaim when another took it meanwhile."""
    rows = yield Statement(
        "UPDATE outbox SET state = 'done', error = '', settled_at = $3"
        " WHERE id = $1 AND tries = $2 AND state = 'pending' RETURNING id",
        (entry.id, entry.tries, now),
    )
    _check(entry, rows)


def retry(entry: Entry, at: float, error: str) -> Work[None]:
    """Give an entry back, to be claimed again from `at`. Raises LostClaim."""
    rows = yield Statement(
        "UPDATE outbox SET due = $3, error = $4, owner = ''"
        " WHERE id = $1 AND tries = $2 AND state = 'pending' RETURNING id",
        (entry.id, entry.tries, at, error),
    )
    _check(entry, rows)


def release(now: float) -> Work[int]:
    """End all leases, for a process that is alone on its store and has none itself; return how many there were."""
    rows = yield Statement(
        "UPDATE outbox SET due = $1, owner = '' WHERE state = 'pending' AND owner <> '' RETURNING id", (now,)
    )
    return len(rows)


def bury(entry: Entry, error: str, now: float) -> Work[None]:
    """Move an entry to the dead letters. Raises LostClaim."""
    rows = yield Statement(
        "UPDATE outbox SET state = 'dead', error = $3, settled_at = $4"
        " WHERE id = $1 AND tries = $2 AND state = 'pending' RETURNING id",
        (entry.id, entry.tries, error, now),
    )
    _check(entry, rows)


def dead(limit: int = 50, after: tuple[float, str] | None = None) -> Work[list[Entry]]:
    """Return dead entries, the oldest first, from behind (created_at, id)."""
    created_at, id_ = after or (0.0, "")
    rows = yield Statement(
        f"SELECT {_COLUMNS} FROM outbox WHERE state = 'dead' AND (created_at, id) > ($1, $2)"  # noqa: S608
        " ORDER BY created_at, id LIMIT $3",
        (created_at, id_, limit),
    )
    return [_entry(row) for row in rows]


def redrive(ids: Sequence[str], now: float) -> Work[int]:
    """Make dead entries pending again with their tries forgotten; return how many were dead."""
    count = 0
    for id_ in ids:
        rows = yield Statement(
            "UPDATE outbox SET state = 'pending', due = $2, tries = 0, owner = '', settled_at = NULL"
            " WHERE id = $1 AND state = 'dead' RETURNING id",
            (id_, now),
        )
        count += len(rows)
    return count


def next_due() -> Work[float | None]:
    """Return the instant at which the next entry may be claimed, None when none is pending."""
    rows = yield Statement("SELECT MIN(due) FROM outbox WHERE state = 'pending'")
    due: float | None = rows[0][0]
    return due


def collect(before: float, limit: int = 1000) -> Work[int]:
    """Delete up to `limit` entries done before an instant; return how many. Dead ones stay."""
    rows = yield Statement(
        "DELETE FROM outbox WHERE id IN (SELECT id FROM outbox WHERE state = 'done' AND settled_at < $1 LIMIT $2)"
        " RETURNING id",
        (before, limit),
    )
    return len(rows)


def _check(entry: Entry, rows: list[Row]) -> None:
    if not rows:
        raise LostClaim(f"outbox entry {entry.id} was claimed again or has ended")


def _entry(row: Row) -> Entry:
    return Entry(*row)
