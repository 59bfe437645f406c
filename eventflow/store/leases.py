"""Leases: which replica runs the workflows of which of the 64 shards, by the database's clock.

The epoch, not the clock, fences: every write of an owner reads its shard's epoch under a lock that a takeover needs
too. So no shard is taken while a write is under way, and every later write of the old owner finds its epoch gone.
"""

from dataclasses import dataclass

from eventflow.store.contract import StaleOwner, Statement, Work


@dataclass(frozen=True, slots=True)
class Fence:
    """The right to write a shard's workflows, until another replica takes the shard under a higher epoch."""

    shard: int
    epoch: int


@dataclass(frozen=True, slots=True)
class Lease:
    """A shard as it stands. `expires` is seconds since the epoch by the database's clock."""

    shard: int
    owner: str | None
    epoch: int
    expires: float


def acquire(owner: str, limit: int, seconds: float) -> Work[list[Fence]]:
    """Take up to `limit` shards that are free or whose lease ran out. Shards being written to are passed over."""
    rows = yield Statement(
        """
        UPDATE shards SET owner = $1, epoch = epoch + 1, expires = {%now%} + $2
        WHERE id IN (SELECT id FROM shards WHERE owner IS NULL OR expires < {%now%}
          ORDER BY id LIMIT $3 {%skip_locked%})
        RETURNING id, epoch
        """,
        (owner, seconds, limit),
    )
    return [Fence(*row) for row in sorted(rows)]


def renew(owner: str, seconds: float) -> Work[list[Fence]]:
    """Extend an owner's leases and return those it has. One that ran out but was not taken is kept, epoch and all."""
    rows = yield Statement(
        "UPDATE shards SET expires = {%now%} + $2 WHERE owner = $1 RETURNING id, epoch",
        (owner, seconds),
    )
    return [Fence(*row) for row in sorted(rows)]


def release(owner: str, shard: int | None = None) -> Work[int]:
    """Give up one of an owner's shards, or all; return how many."""
    some = "" if shard is None else "AND id = $2"
    rows = yield Statement(
        f"UPDATE shards SET owner = NULL WHERE owner = $1 {some} RETURNING id",  # noqa: S608
        (owner,) if shard is None else (owner, shard),
    )
    return len(rows)


def check(fence: Fence) -> Work[None]:
    """Make sure that the fence holds until this transaction ends. Raises StaleOwner."""
    rows = yield Statement(
        "SELECT 1 FROM shards WHERE id = $1 AND epoch = $2 {%for_share%}",
        (fence.shard, fence.epoch),
    )
    if not rows:
        raise StaleOwner(f"shard {fence.shard} is no longer held under epoch {fence.epoch}")


def leases() -> Work[list[Lease]]:
    """Return every shard, by its number."""
    rows = yield Statement("SELECT id, owner, epoch, expires FROM shards ORDER BY id")
    return [Lease(*row) for row in rows]
