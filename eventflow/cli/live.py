"""A part of the terminal that is drawn anew, at most four times a second and never beyond its height."""

import asyncio
import time
from collections.abc import Callable, Sequence
from typing import IO, Self

from rich.console import Console
from rich.live import Live
from rich.text import Text

from eventflow.cli import output, tree

_EVERY = 0.25
_SHARE = 10  # drawing may take a tenth of the time


class Screen:
    """Draws rows until it is left; the last drawing stays. `draw` gets the height in lines; set `dirty` on a change."""

    def __init__(self, draw: Callable[[int], Sequence[tree.Row]], *, stderr: bool = True) -> None:
        self._draw = draw
        self._console = Console(stderr=stderr, highlight=False)
        self._live = Live(console=self._console, auto_refresh=False, redirect_stdout=False, redirect_stderr=False)
        self._task: asyncio.Task[None] | None = None
        self.dirty = True

    async def __aenter__(self) -> Self:
        self._live.start()
        self._task = asyncio.get_running_loop().create_task(self._run(), name="screen")
        return self

    async def __aexit__(self, *exc: object) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        self._update()
        self._live.stop()

    def say(self, text: str, stream: IO[str] | None) -> None:
        """Print a line above the drawing, or to `stream` if that is no terminal."""
        if stream is not None and not stream.isatty():
            print(text, file=stream, flush=True)
        else:
            self._console.print(Text(text))

    async def _run(self) -> None:
        drawn = 0.0
        while True:
            cost = 0.0
            now = time.monotonic()
            if self.dirty or now - drawn >= 1.0:  # durations go on
                self.dirty = False
                self._update()
                drawn = time.monotonic()
                cost = drawn - now
            await asyncio.sleep(max(_EVERY, _SHARE * cost))

    def _update(self) -> None:
        width, height = self._console.size
        rows = self._draw(height - 1)
        text = Text("\n").join(_line(row, width) for row in rows[: height - 1])
        self._live.update(text, refresh=True)


def _line(row: tree.Row, width: int) -> Text:
    line = Text(no_wrap=True, overflow="ellipsis")
    line.append(row.rails, style="bright_black")
    colour = tree.COLOURS.get(row.phase, "white")
    line.append(f"{tree.ICONS.get(row.phase, ' ')} ", style=colour)
    line.append(row.label)
    if row.seconds is not None:
        line.append(f"  {output.span(row.seconds)}", style="bright_black")
    if row.note:
        style = "red" if row.phase in ("Failed", "Error") else "bright_black"
        line.append(f"  {' '.join(row.note.split())}", style=style)
    line.truncate(width, overflow="ellipsis")
    return line
