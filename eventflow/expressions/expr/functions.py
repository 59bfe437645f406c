"""Functions as values, and how a call of one is checked and made."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from eventflow.expressions.expr import kinds
from eventflow.expressions.expr.errors import Fault
from eventflow.expressions.expr.frame import Frame
from eventflow.expressions.expr.kinds import Kind

type_check = Callable[[Sequence[Kind]], Kind]


@dataclass(frozen=True, slots=True)
class Function:
    """Something to call: `run(frame, arguments)`, and `check(kinds of the arguments)` which gives the kind it returns.

    Both raise Fault.
    """

    name: str
    run: Callable[[Frame, Sequence[Any]], Any]
    check: Callable[[Sequence[Kind]], Kind]


class OpenMap(dict[Any, Any]):
    """A map with keys of any type, as `groupBy` and `fromPairs` make."""


def overloads(name: str, *signatures: tuple[tuple[Kind, ...], Kind]) -> Callable[[Sequence[Kind]], Kind]:
    """Return a check that takes the first of several ((parameters), result) that fits."""

    def check(given: Sequence[Kind]) -> Kind:
        fault = Fault(f"no matching overload for {name}")
        for parameters, result in signatures:
            problem = _problem(name, given, parameters)
            if problem is None:
                return result
            fault = Fault(problem)
        raise fault

    return check


def _problem(name: str, given: Sequence[Kind], parameters: Sequence[Kind]) -> str | None:
    if len(given) != len(parameters):
        return f"{'too many' if len(given) > len(parameters) else 'not enough'} arguments to call {name}"
    for argument, parameter in zip(given, parameters, strict=True):
        if argument == kinds.NIL and parameter != kinds.ANY:
            return f"cannot use nil as argument (type {parameter}) to call {name}"
        if not kinds.assignable(argument, parameter):
            return f"cannot use {argument} as argument (type {parameter}) to call {name}"
    return None


def counted(name: str, low: int, high: int | None, result: Kind = kinds.ANY) -> Callable[[Sequence[Kind]], Kind]:
    """Return a check of nothing but the number of arguments, from `low` to `high` (None = any number)."""

    def check(given: Sequence[Kind]) -> Kind:
        if len(given) < low:
            raise Fault(f"not enough arguments to call {name}")
        if high is not None and len(given) > high:
            raise Fault(f"too many arguments to call {name}")
        return result

    return check


def method(name: str, low: int, high: int, run: Callable[..., Any]) -> Function:
    """Return a function bound to a value; `run` takes the arguments alone."""
    return Function(name, lambda _, arguments: run(*arguments), counted(name, low, high))
