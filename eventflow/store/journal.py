"""The journal: what a workflow's steps did, in order; read by people when something went wrong."""

from eventflow.store.contract import Statement, Work


def append(workflow: int, entries: bytes, now: float) -> Work[None]:
    """Add the entries of one step, in the engine's encoding."""
    yield Statement(
        """
        INSERT INTO journal (workflow, seq, at, entries)
        VALUES ($1, (SELECT COALESCE(MAX(seq), 0) + 1 FROM journal WHERE workflow = $1), $2, $3)
        """,
        (workflow, now, entries),
    )


def last(workflow: int, limit: int) -> Work[list[tuple[int, float, bytes]]]:
    """Return (seq, at, entries) of the last steps, oldest first."""
    rows = yield Statement(
        "SELECT seq, at, entries FROM journal WHERE workflow = $1 ORDER BY seq DESC LIMIT $2",
        (workflow, limit),
    )
    return [(row[0], row[1], row[2]) for row in reversed(rows)]


def trim(workflow: int, keep: int) -> Work[None]:
    """Drop all but the last `keep` steps."""
    yield Statement(
        "DELETE FROM journal WHERE workflow = $1"
        " AND seq <= (SELECT MAX(seq) FROM journal WHERE workflow = $1) - CAST($2 AS BIGINT)",
        (workflow, keep),
    )
