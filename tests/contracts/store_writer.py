"""A process that stores events and says so, for tests that kill it. Run as `store_writer.py URL CALLERS`.

Prints `open` when the store is open and `ack KEY` once an event is stored, each at once; runs until it is killed.
"""

import asyncio
import itertools
import os
import sys

from eventflow.store import events
from eventflow.store.contract import Store
from eventflow.store.open import open_store
from tests.contracts.store_backends import event


async def keep_writing(store: Store, caller: int) -> None:
    for n in itertools.count():
        key = f"{caller}-{n}"
        await store.write(lambda key=key: events.append(event(key), ["s", "t"]))  # type: ignore[misc]
        os.write(1, f"ack {key}\n".encode())


async def main(url: str, callers: int) -> None:
    async with open_store(url) as store:
        os.write(1, b"open\n")
        await asyncio.gather(*(keep_writing(store, caller) for caller in range(callers)))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2])))
