"""Measure, and print one table: each figure beside the floor of the same run, and the target.

    python -m tests.benchmarks [NAME...] [--quick]

Figures are medians of three runs; on a shared machine compare ratios, not figures of different runs.
"""

import argparse
import importlib
import sys
from collections.abc import Callable

from tests.benchmarks.figure import Figure, table

NAMES = ("cel", "machine", "engine", "pods", "shell", "events", "latency", "recovery")


def benchmark(name: str) -> Callable[[bool], list[Figure]]:
    """Return what measures one thing. Imported when its turn comes, so that one's memory is not another's."""
    measure: Callable[[bool], list[Figure]] = importlib.import_module(f"tests.benchmarks.{name}").run
    return measure


def main() -> None:
    """Measure what is asked for, everything by default."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__.partition("\n")[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(NAMES)}; all without one")
    parser.add_argument("--quick", action="store_true", help="tiny sizes: does it run at all")
    given = parser.parse_args()
    unknown = [name for name in given.names if name not in NAMES]
    if unknown:
        parser.error(f"no benchmark is called {unknown[0]!r}; there are {', '.join(NAMES)}")
    figures: list[Figure] = []
    for name in given.names or NAMES:
        sys.stderr.write(f"measuring {name} ...\n")
        figures += benchmark(name)(given.quick)
    sys.stdout.write(table(figures) + "\n")


if __name__ == "__main__":
    main()
