"""Each benchmark runs, at tiny sizes, and gives figures that can be shown. How fast anything is, is not tested."""

import importlib.util
import shutil

import pytest

from tests.benchmarks import __main__ as benchmarks
from tests.benchmarks.figure import Figure, table

_SANDBOXED = ("pods", "shell", "latency", "recovery")
_PRESENT = [name for name in benchmarks.NAMES if importlib.util.find_spec(f"tests.benchmarks.{name}")]


@pytest.mark.parametrize("name", _PRESENT)
def test_it_runs(name: str) -> None:
    if name in _SANDBOXED and shutil.which("bwrap") is None:
        pytest.skip("needs bwrap")
    figures = benchmarks.benchmark(name)(True)
    assert figures
    assert all(each.value > 0 for each in figures), figures
    assert len({each.name for each in figures}) == len(figures)


def test_the_table_has_a_line_for_each_figure() -> None:
    shown = table(
        [Figure("a", 12_345.6, "things/s", 24_691.2, "floor", ">= 1"), Figure("b", 0.01234, "s")]
    ).splitlines()
    assert shown[2].split("|")[1:-1] == [" a    ", " 12,346 things/s ", " 24,691 (floor) ", " 0.5   ", " >= 1   "]
    assert "0.0123 s" in shown[3]
