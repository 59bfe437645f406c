"""Locks: who holds mutexes and semaphores across workflows, and who waits, in order. The rules are the engine's.

A holder is any text that names what holds (a workflow's or node's key); holding and waiting twice is once.
"""

from dataclasses import dataclass

from eventflow.store.contract import Row, Statement, Work


@dataclass(frozen=True, slots=True)
class Holder:
    """Who holds a lock, and since when (seconds since the epoch)."""

    lock: str
    holder: str
    since: float


@dataclass(frozen=True, slots=True)
class Waiter:
    """Who waits for a lock: the higher priority first, then who came first."""

    lock: str
    waiter: str
    priority: int
    since: float


def hold(lock: str, holder: str, limit: int, now: float) -> Work[bool]:
    """Take one of a lock's `limit` places (1: a mutex) and leave the queue; False when all are taken."""
    yield Statement("INSERT INTO locks (name) VALUES ($1) ON CONFLICT DO NOTHING", (lock,))
    # Counting and taking are one act: the lock's own row keeps replicas apart.
    yield Statement("SELECT name FROM locks WHERE name = $1 {%for_update%}", (lock,))
    rows = yield Statement("SELECT holder FROM lock_holders WHERE lock = $1", (lock,))
    if (holder,) in rows:
        return True
    if len(rows) >= limit:
        return False
    yield Statement("INSERT INTO lock_holders (lock, holder, since) VALUES ($1, $2, $3)", (lock, holder, now))
    yield Statement("DELETE FROM lock_waiters WHERE lock = $1 AND waiter = $2", (lock, holder))
    return True


def wait(lock: str, waiter: str, priority: int, now: float) -> Work[None]:
    """Join a lock's queue; one that waits already keeps its place."""
    yield Statement(
        "INSERT INTO lock_waiters (lock, waiter, priority, since) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING",
        (lock, waiter, priority, now),
    )


def release(holder: str, lock: str | None = None) -> Work[list[str]]:
    """Leave a lock, or all, and its queue; return the names of the locks in which a place became free."""
    some = "" if lock is None else "AND lock = $2"
    values = (holder,) if lock is None else (holder, lock)
    yield Statement(f"DELETE FROM lock_waiters WHERE waiter = $1 {some}", values)  # noqa: S608
    rows = yield Statement(f"DELETE FROM lock_holders WHERE holder = $1 {some} RETURNING lock", values)  # noqa: S608
    return sorted(row[0] for row in rows)


def holders(lock: str | None = None) -> Work[list[Holder]]:
    """Return who holds a lock, or every lock, by lock and time."""
    where, values = _of(lock)
    rows = yield Statement(
        f"SELECT lock, holder, since FROM lock_holders {where} ORDER BY lock, since, holder",  # noqa: S608
        values,
    )
    return [Holder(*row) for row in rows]


def waiters(lock: str | None = None) -> Work[list[Waiter]]:
    """Return who waits for a lock, or for every lock, next in line first."""
    where, values = _of(lock)
    rows = yield Statement(
        f"SELECT lock, waiter, priority, since FROM lock_waiters {where}"  # noqa: S608
        " ORDER BY lock, priority DESC, since, seq",
        values,
    )
    return [_waiter(row) for row in rows]


def _of(lock: str | None) -> tuple[str, tuple[str, ...]]:
    return ("", ()) if lock is None else ("WHERE lock = $1", (lock,))


def _waiter(row: Row) -> Waiter:
    return Waiter(*row)
