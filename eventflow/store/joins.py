"""Join state: what a sensor has gathered towards a condition over several dependencies, per trigger and key."""

from collections.abc import Sequence
from dataclasses import dataclass

from eventflow.errors import TemporaryError
from eventflow.store.contract import Row, Statement, Work


@dataclass(frozen=True, slots=True)
class Join:
    """The gathered state, opaque here. `deadline` is the instant at which its window closes, None without a window."""

    sensor: str
    trigger: str
    key: str
    state: bytes
    deadline: float | None
    updated_at: float


def lock(sensor: str, trigger: str, key: str) -> Work[bytes | None]:
    """Return the state, None when nothing is gathered, and keep others from it until this transaction ends.

    The row is made before it is read: a row that is not there cannot be locked, and two replicas with the first two
    events of a join would each see none.
    """
    for _ in range(3):
        yield Statement(
            "INSERT INTO joins (sensor, trigger_name, key) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
            (sensor, trigger, key),
        )
        rows = yield Statement(
            "SELECT state FROM joins WHERE sensor = $1 AND trigger_name = $2 AND key = $3 {%for_update%}",
            (sensor, trigger, key),
        )
        if rows:
            state: bytes | None = rows[0][0]
            return state
    raise TemporaryError(f"join {sensor}/{trigger}/{key} is being cleared by others", retry_after=0.1)


def put(sensor: str, trigger: str, key: str, state: bytes, deadline: float | None, now: float) -> Work[None]:
    """Keep the state of a locked join."""
    yield Statement(
        """
        INSERT INTO joins (sensor, trigger_name, key, state, deadline, updated_at) VALUES ($1, $2, $3, $4, $5, $6)
        ON CONFLICT (sensor, trigger_name, key)
        DO UPDATE SET state = excluded.state, deadline = excluded.deadline, updated_at = excluded.updated_at
        """,
        (sensor, trigger, key, state, deadline, now),
    )


def clear(sensor: str, trigger: str, key: str) -> Work[None]:
    """Forget a join: it fired, or its window closed. A locked join that stays empty must be cleared too."""
    yield Statement(
        "DELETE FROM joins WHERE sensor = $1 AND trigger_name = $2 AND key = $3",
        (sensor, trigger, key),
    )


def clear_sensor(sensor: str) -> Work[int]:
    """Forget all joins of a sensor that was deleted or changed; return how many there were."""
    rows = yield Statement("DELETE FROM joins WHERE sensor = $1 RETURNING key", (sensor,))
    return len(rows)


def overdue(now: float, limit: int = 100) -> Work[list[Join]]:
    """Return joins whose window has closed, the earliest first."""
    rows = yield Statement(
        "SELECT sensor, trigger_name, key, state, deadline, updated_at FROM joins"
        " WHERE deadline <= $1 ORDER BY deadline LIMIT $2",
        (now, limit),
    )
    return [_join(row) for row in rows]


def next_deadline() -> Work[float | None]:
    """Return the instant at which the next window closes, None when none is open."""
    rows = yield Statement("SELECT MIN(deadline) FROM joins WHERE deadline IS NOT NULL")
    deadline: float | None = rows[0][0]
    return deadline


def of_sensor(sensor: str) -> Work[Sequence[Join]]:
    """Return what a sensor has gathered, by trigger and key."""
    rows = yield Statement(
        "SELECT sensor, trigger_name, key, state, deadline, updated_at FROM joins"
        " WHERE sensor = $1 AND state IS NOT NULL ORDER BY trigger_name, key",
        (sensor,),
    )
    return [_join(row) for row in rows]


def _join(row: Row) -> Join:
    return Join(*row)
