"""A figure: what was measured, beside the floor of the same run and the target."""

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass

RUNS = 3


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of the table. `floor` is what the machine does at best for the same, measured in the same run."""

    name: str
    value: float
    unit: str
    floor: float | None = None
    floor_is: str = ""
    target: str = ""

    def cells(self) -> tuple[str, ...]:
        """Return the line's cells."""
        floor = "" if self.floor is None else f"{shown(self.floor)} ({self.floor_is})"
        ratio = f"{self.value / self.floor:.3g}" if self.floor else ""
        return self.name, f"{shown(self.value)} {self.unit}", floor, ratio, self.target


def shown(value: float) -> str:
    """Return a number with three digits that count, and all those before the point."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def table(figures: Sequence[Figure]) -> str:
    """Return the figures as a table in Markdown."""
    rows = [("name", "figure", "floor", "ratio", "target"), *(each.cells() for each in figures)]
    widths = [max(len(row[column]) for row in rows) for column in range(5)]
    lines = [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |" for row in rows
    ]
    return "\n".join([lines[0], "| " + " | ".join("-" * width for width in widths) + " |", *lines[1:]])


def median(measure: Callable[[], float], runs: int = RUNS) -> float:
    """Return the median of several measurements."""
    return statistics.median(measure() for _ in range(runs))


def percentile(values: Sequence[float], share: float) -> float:
    """Return the value below which a share of the values lies; 0.0 for none."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else 0.0
