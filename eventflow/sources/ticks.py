"""Waiting for instants of the wall clock, which may be set and may stand still while a machine sleeps."""

import asyncio

from eventflow.clock import Clock

LONGEST_NAP = 15.0
LATE = 30.0
"""A tick that comes more seconds late than this was missed, whatever the reason."""


async def until(clock: Clock, at: float) -> None:
    """Return when the clock shows an instant (seconds since the epoch) or more; asks it again at least now and then."""
    while True:
        left = at - clock.now()
        if left <= 0:
            return
        await asyncio.sleep(min(left, LONGEST_NAP))
