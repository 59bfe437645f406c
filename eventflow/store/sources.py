"""Sources' cursors: how far a source that is polled or consumed has been read (Kafka offsets, SQS has none, ticks ...).

A cursor moves in the transaction that stores the events before it: it is never ahead of them.
"""

from eventflow.store.contract import Statement, Work


def get_cursor(source: str) -> Work[str | None]:
    """Return a source's position, in its own notation; None when it was never read."""
    rows = yield Statement("SELECT position FROM cursors WHERE source = $1", (source,))
    position: str | None = rows[0][0] if rows else None
    return position


def set_cursor(source: str, position: str, now: float) -> Work[None]:
    """Move a source's position."""
    yield Statement(
        """
        INSERT INTO cursors (source, position, updated_at) VALUES ($1, $2, $3)
        ON CONFLICT (source) DO UPDATE SET position = excluded.position, updated_at = excluded.updated_at
        """,
        (source, position, now),
    )


def advance_cursor(source: str, expected: str | None, position: str, now: float) -> Work[bool]:
    """Move a source's position from the one expected; False when another consumer moved it first, nothing written.

    This fences a consumer that lost its partition and does not know it yet.
    """
    if expected is None:
        sql = (
            "INSERT INTO cursors (source, position, updated_at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING RETURNING 1"
        )
        rows = yield Statement(sql, (source, position, now))
    else:
        sql = "UPDATE cursors SET position = $2, updated_at = $3 WHERE source = $1 AND position = $4 RETURNING 1"
        rows = yield Statement(sql, (source, position, now, expected))
    return bool(rows)


def cursors() -> Work[dict[str, tuple[str, float]]]:
    """Return every source's position and the instant at which it moved."""
    rows = yield Statement("SELECT source, position, updated_at FROM cursors ORDER BY source")
    return {row[0]: (row[1], row[2]) for row in rows}


def forget(source: str) -> Work[None]:
    """Drop a source's position."""
    yield Statement("DELETE FROM cursors WHERE source = $1", (source,))
