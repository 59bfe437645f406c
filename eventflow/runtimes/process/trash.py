# Paths inside pods are texts, and these are the hot paths of starting one.
# ruff: noqa: PTH104, PTH110, PTH208
"""Removes the directories of pods that were forgotten, many at a time, out of the way of everything else.

A root that its pod left as it was becomes a spare one.
"""

import asyncio
import contextlib
import os
import subprocess
from pathlib import Path

from eventflow.runtimes.containers import MAIN
from eventflow.runtimes.process.parking import SPARE_ROOT
from eventflow.runtimes.process.roots import Skeleton

_BATCH = 256
_EVERY = 0.25
_SPARE_LIMIT = 512


class Trash:
    """A directory whose entries vanish by and by. What a crash leaves there goes with the next start."""

    def __init__(self, directory: Path, spare: Path) -> None:
        self._directory = directory
        self._spare = spare
        self._skeleton: Skeleton | None = None
        self._number = 0
        self._filled = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def open(self, skeleton: Skeleton | None) -> None:
        """Begin to work. Roots that are as the skeleton says are not removed, but put aside to be used again."""
        self._skeleton = skeleton
        for path in self._spare.glob(f"{SPARE_ROOT}*"):
            self.take(path)  # perhaps another version's
        self._filled.set()
        self._task = asyncio.create_task(self._work(), name="trash of pods")

    async def close(self) -> None:
        """Empty it, and end."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        while await asyncio.to_thread(self._sweep):
            pass

    def take(self, path: Path) -> None:
        """Take a directory, which is gone from its place when this returns. Unknown ones are fine."""
        self._number += 1
        try:
            os.rename(path, self._directory / f"{os.getpid()}-{self._number}-{path.name[:200]}")
        except FileNotFoundError:
            return
        self._filled.set()

    async def _work(self) -> None:
        while True:
            await self._filled.wait()
            self._filled.clear()
            await asyncio.sleep(_EVERY)
            while await asyncio.to_thread(self._sweep):
                pass

    def _sweep(self) -> bool:
        """Remove some; say whether there may be more. `rm` does it faster than Python, and on another processor."""
        names = os.listdir(self._directory)[:_BATCH]
        if not names:
            return False
        if self._skeleton is not None and len(os.listdir(self._spare)) < _SPARE_LIMIT:
            self._put_aside(names, self._skeleton)
        paths = [f"{self._directory}/{name}" for name in names]
        subprocess.run(["rm", "-rf", "--", *paths], check=False, capture_output=True)
        return len(os.listdir(self._directory)) > 0 and not all(os.path.exists(path) for path in paths)

    def _put_aside(self, names: list[str], skeleton: Skeleton) -> None:
        for name in names:
            root = f"{self._directory}/{name}/{MAIN}"
            if skeleton.fits(root):
                os.rename(root, self._spare / f"{SPARE_ROOT}{name}")
