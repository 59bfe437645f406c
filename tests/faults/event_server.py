"""A server in a process of its own: `python -m tests.faults.event_server DIRECTORY` prints its address and serves."""

import asyncio
import sys
from pathlib import Path

from eventflow.app import serve
from eventflow.settings import Server, Settings


async def main(directory: Path) -> None:
    """Serve until the process is ended."""
    async with serve(Settings(data_dir=directory, server=Server(port=0))) as (_, address):
        sys.stdout.write(address.url + "\n")
        sys.stdout.flush()
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
