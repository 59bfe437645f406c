"""What one expression, and one evaluation of it, may use.

An expression is written by a user and runs on events sent by strangers, so both are bounded: the source when it is
compiled, time and memory by a budget that each evaluation starts with. A unit of the budget is about one iteration
of a macro; work that grows with its operands (a scan of a long string, a copy of a list) is charged in proportion.
"""

from collections.abc import Callable
from typing import Any

from eventflow.expressions.cel.errors import LimitExceeded

MAX_SOURCE = 4096
MAX_DEPTH = 32
MAX_NODES = 2000
# CPython refuses more than twenty nested loops and try blocks in one function.
MAX_BLOCKS = 18
MAX_STRING = 1 << 20
MAX_LIST = 100_000
MAX_PATTERN = 1024
MAX_PATTERN_PROGRAM = 10_000
# Up to this size RE2's automaton stays within its memory; beyond, it may fall back to a method that takes minutes.
LINEAR_PATTERN_PROGRAM = 1000
# What compiling a regular expression costs that is not known when the expression is compiled, at the least.
PATTERN_UNITS = 100
MAX_YAML = 1 << 16
BUDGET = 200_000

# Characters that cost one unit: to scan, and to build (which takes memory, too).
SCANNED_PER_UNIT = 256
BUILT_PER_UNIT = 64
# Steps of a regular expression that must tell where it matched: characters times the size of its program.
MATCHED_PER_UNIT = 512

Budget = list[int]
"""What is left, in its only element. A list, because generated code and functions share it and lower it."""


def charge(budget: Budget, units: int) -> None:
    """Take `units` from the budget. Raises LimitExceeded when nothing is left."""
    budget[0] -= units
    if budget[0] < 0:
        raise LimitExceeded("the expression takes too many steps on this event")


def charge_string(budget: Budget, length: int) -> None:
    """Charge for a string of `length` characters before it is built."""
    if length > MAX_STRING:
        raise LimitExceeded(f"a string grew beyond {MAX_STRING} characters")
    charge(budget, length // BUILT_PER_UNIT)


def charge_list(budget: Budget, size: int) -> None:
    """Charge for a list of `size` elements before it is built."""
    if size > MAX_LIST:
        raise LimitExceeded(f"a list grew beyond {MAX_LIST} elements")
    charge(budget, 1 + size // 4)


def metered(budget: Budget, run: Callable[..., Any], *arguments: Any) -> Any:
    """`run(*arguments)`, charged for the size of the arguments. Generated code calls this inside macros, where even
    a function that merely scans its operands could otherwise be run a hundred thousand times on a long string."""
    units = 0
    for value in arguments:
        kind = value.__class__
        if kind is str or kind is bytes:
            units += len(value) // SCANNED_PER_UNIT
        elif kind is list or kind is dict:
            units += len(value)
    if units:
        charge(budget, units)
    return run(*arguments)
