"""The event log: what was received, once per key, with a delivery for each sensor that listens.

`append` belongs in the transaction that is durable before the sender is acknowledged (T1), with the source's cursor.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import orjson

from eventflow.errors import UserError
from eventflow.model.event import Event
from eventflow.store.contract import Many, Row, Statement, Value, Work

_COLUMNS = (
    "seq, namespace, source_name, event_name, key, id, source, type, subject, time, datacontenttype, dataschema,"
    " extensions, received_at, data"
)
_INSERT = """
INSERT INTO events (namespace, source_name, event_name, key, id, source, type, subject, time, datacontenttype,
  dataschema, extensions, received_at, digest, data)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)
ON CONFLICT DO NOTHING RETURNING seq
"""
_DELIVER = """
INSERT INTO deliveries (event, sensor, outcome, due, tries, owner, reason, error)
VALUES ($1, $2, 'pending', $3, 0, $4, '', '') ON CONFLICT DO NOTHING
"""


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of an event: its position; whether its key was there before; whether with another body."""

    seq: int
    duplicate: bool = False
    conflict: bool = False


@dataclass(frozen=True, slots=True)
class EventFilter:
    """Which events a page shows; what is None does not filter. `since` <= received_at < `until`, in epoch seconds."""

    namespace: str | None = None
    source_name: str | None = None
    event_name: str | None = None
    type: str | None = None
    id: str | None = None
    since: float | None = None
    until: float | None = None


@dataclass(frozen=True, slots=True)
class EventPage:
    """Some events and the cursor of the next page, None at the end."""

    events: Sequence[Event]
    cursor: str | None


def append(event: Event, sensors: Sequence[str], due: float | None = None, owner: str = "") -> Work[Receipt]:
    """Store an event and a pending delivery for each sensor. A key stored before changes nothing, not even deliveries.

    Sensors are named by any text that tells them apart, "namespace/name" by convention. The deliveries may be claimed
    from `due` on (seconds since the epoch), at once without it: until then `owner` may settle them without a claim.
    """
    rows = yield Statement(_INSERT, _values(event))
    if not rows:
        return (yield from _repeated(event))
    seq: int = rows[0][0]
    if sensors:
        at = event.received_at if due is None else due
        yield Many(_DELIVER, [(seq, sensor, at, owner) for sensor in sensors])
    return Receipt(seq)


def _values(event: Event) -> tuple[Value, ...]:
    extensions = orjson.dumps(dict(event.extensions)).decode()
    return (
        *(event.namespace, event.source_name, event.event_name, event.key),
        *(event.id, event.source, event.type, event.subject, event.time),
        *(event.datacontenttype, event.dataschema, extensions, event.received_at, event.digest, event.data_bytes),
    )


def _repeated(event: Event) -> Work[Receipt]:
    rows = yield Statement(
        "SELECT seq, digest FROM events WHERE namespace = $1 AND source_name = $2 AND event_name = $3 AND key = $4",
        (event.namespace, event.source_name, event.event_name, event.key),
    )
    seq, digest = rows[0]
    if digest == event.digest:
        return Receipt(seq, duplicate=True)
    yield Statement(
        "INSERT INTO event_conflicts (event, digest, id, received_at) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING",
        (seq, event.digest, event.id, event.received_at),
    )
    return Receipt(seq, duplicate=True, conflict=True)


def find(seq: int) -> Work[Event | None]:
    """Return the event at a position of the log."""
    rows = yield Statement(f"SELECT {_COLUMNS} FROM events WHERE seq = $1", (seq,))  # noqa: S608
    return _event(rows[0]) if rows else None


def some(seqs: Sequence[int]) -> Work[dict[int, Event]]:
    """Return the events at these positions, by position; those collected meanwhile are absent."""
    rows = yield Statement(
        f"SELECT {_COLUMNS} FROM events WHERE seq IN {{%integers $1%}}",  # noqa: S608
        (orjson.dumps(list(seqs)).decode(),),
    )
    return {row[0]: _event(row) for row in rows}


def after(seq: int, limit: int = 1000) -> Work[list[Event]]:
    """Return the events behind a position, in the order of the log: a tail that misses none.

    PostgreSQL hands out positions before commit, so an event is held back until every transaction that is older than
    its own has ended.
    """
    rows = yield Statement(
        f"SELECT {_COLUMNS} FROM events WHERE seq > $1 AND {{%settled tx%}} ORDER BY seq LIMIT $2",  # noqa: S608
        (seq, limit),
    )
    return [_event(row) for row in rows]


def conflicts(seq: int) -> Work[list[tuple[str, float]]]:
    """Return (CloudEvents id, received_at) of what came under this event's key with another body."""
    rows = yield Statement("SELECT id, received_at FROM event_conflicts WHERE event = $1 ORDER BY received_at", (seq,))
    return [(row[0], row[1]) for row in rows]


def collect(before: float, limit: int = 1000) -> Work[int]:
    """Delete up to `limit` events received before an instant whose deliveries have all ended; return how many.

    Their keys go with them, so `before` bounds how late a redelivery is still recognized (15 days at least is wise).
    """
    rows = yield Statement(
        """
        SELECT {%array seq%}, COUNT(*) FROM (
          SELECT seq FROM events WHERE received_at < $1 AND NOT EXISTS (
            SELECT 1 FROM deliveries WHERE deliveries.event = events.seq AND outcome IN ('pending', 'held'))
          ORDER BY received_at LIMIT $2) AS ended
        """,
        (before, limit),
    )
    seqs, count = rows[0]
    yield Statement("DELETE FROM events WHERE seq IN {%integers $1%}", (seqs,))
    yield Statement("DELETE FROM deliveries WHERE event IN {%integers $1%}", (seqs,))
    yield Statement("DELETE FROM event_conflicts WHERE event IN {%integers $1%}", (seqs,))
    number: int = count
    return number


def page(
    filter: EventFilter, *, newest_first: bool = True, limit: int = 50, cursor: str | None = None
) -> Work[EventPage]:
    """Return one page in the order of receipt; `cursor` is that of the page before. Raises UserError on a bad one."""
    where, values = _conditions(filter)
    order, compare = ("DESC", "<") if newest_first else ("ASC", ">")
    if cursor:
        values += _cursor(cursor)
        where.append(f"(received_at, seq) {compare} (${len(values) - 1}, ${len(values)})")
    rows = yield Statement(
        f"SELECT {_COLUMNS} FROM events {'WHERE ' if where else ''}{' AND '.join(where)}"  # noqa: S608
        f" ORDER BY received_at {order}, seq {order} LIMIT ${len(values) + 1}",
        (*values, limit),
    )
    found = [_event(row) for row in rows]
    more = len(found) == limit and found
    return EventPage(found, f"{found[-1].received_at!r}:{found[-1].seq}" if more else None)


def _conditions(filter: EventFilter) -> tuple[list[str], list[Value]]:
    wanted: list[tuple[str, Value]] = [
        ("namespace =", filter.namespace),
        ("source_name =", filter.source_name),
        ("event_name =", filter.event_name),
        ("type =", filter.type),
        ("received_at >=", filter.since),
        ("received_at <", filter.until),
        ("id =", filter.id),
    ]
    used = [(condition, value) for condition, value in wanted if value is not None]
    return [f"{condition} ${n}" for n, (condition, _) in enumerate(used, 1)], [value for _, value in used]


def _cursor(text: str) -> list[Value]:
    received_at, _, seq = text.partition(":")
    try:
        return [float(received_at), int(seq)]
    except ValueError as error:
        raise UserError(f"{text!r} is not a page cursor", hint="give back the cursor of the page before") from error


def _event(row: Row) -> Event:
    return Event(
        seq=row[0],
        namespace=row[1],
        source_name=row[2],
        event_name=row[3],
        key=row[4],
        id=row[5],
        source=row[6],
        type=row[7],
        subject=row[8],
        time=row[9],
        datacontenttype=row[10],
        dataschema=row[11],
        extensions=orjson.loads(row[12]),
        received_at=row[13],
        data_bytes=row[14],
    )
