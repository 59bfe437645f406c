"""Builtins that evaluate a predicate for each element of a list (expr-lang v1.17 compiler)."""

from collections.abc import Callable, Iterator
from typing import Any

from eventflow.expressions.expr import builtin_lists, operators
from eventflow.expressions.expr.errors import Fault
from eventflow.expressions.expr.frame import Cursor, Frame
from eventflow.expressions.expr.functions import OpenMap
from eventflow.expressions.golang import text

Run = Callable[[Frame], Any]


class Loop:
    """A predicate to be evaluated over a list: what every builtin here starts from.

    `cost` is the number of nodes of the predicate, counted as steps for each element. Without a predicate the element
    itself is the answer.
    """

    def __init__(self, collection: Run, body: Run | None, cost: int) -> None:
        self._collection = collection
        self._body = body
        self._cost = cost

    def items(self, frame: Frame) -> list[Any]:
        """Return the list. Raises Fault for anything else."""
        value = self._collection(frame)
        if isinstance(value, list):
            return value
        raise Fault(f"a list is needed here, not {text.type_name(value)}")

    def answers(self, frame: Frame, *, backwards: bool = False) -> Iterator[tuple[int, Any, Any]]:
        """Yield (index, element, answer of the predicate)."""
        items = self.items(frame)
        outer, cursor = frame.cursor, Cursor()
        frame.cursor = cursor
        try:
            for index in range(len(items) - 1, -1, -1) if backwards else range(len(items)):
                frame.spend(self._cost)
                cursor.item, cursor.index = items[index], index
                answer = self._body(frame) if self._body else items[index]
                frame.cursor = outer
                yield index, items[index], answer
                frame.cursor = cursor
        finally:
            frame.cursor = outer

    def accumulate(self, frame: Frame, start: Run | None) -> Any:
        """Return what `reduce` gives; without a start the first element is it."""
        items = self.items(frame)
        initial = start(frame) if start else None
        if start is None and not items:
            raise Fault("reduce of empty array with no initial value")
        outer, cursor = frame.cursor, Cursor()
        cursor.accumulator = initial if start else items[0]
        frame.cursor = cursor
        try:
            for index in range(0 if start else 1, len(items)):
                frame.spend(self._cost)
                cursor.item, cursor.index = items[index], index
                cursor.accumulator = self._body(frame) if self._body else items[index]
            return cursor.accumulator
        finally:
            frame.cursor = outer


def _quantifier(stop_at: bool) -> Callable[[Loop, Run | None], Run]:
    """`any` stops at the first true, `all` at the first false."""

    def build(loop: Loop, _: Run | None) -> Run:
        def run(frame: Frame) -> bool:
            return stop_at if any(operators.logical(a) is stop_at for _, _, a in loop.answers(frame)) else not stop_at

        return run

    return build


def _none(loop: Loop, _: Run | None) -> Run:
    return lambda frame: not any(operators.logical(answer) for _, _, answer in loop.answers(frame))


def _one(loop: Loop, _: Run | None) -> Run:
    return lambda frame: sum(operators.logical(answer) for _, _, answer in loop.answers(frame)) == 1


def _count(loop: Loop, _: Run | None) -> Run:
    return lambda frame: sum(operators.logical(answer) for _, _, answer in loop.answers(frame))


def _filter(loop: Loop, _: Run | None) -> Run:
    return lambda frame: [item for _, item, answer in loop.answers(frame) if operators.logical(answer)]


def _map(loop: Loop, _: Run | None) -> Run:
    return lambda frame: [answer for _, _, answer in loop.answers(frame)]


def _sum(loop: Loop, _: Run | None) -> Run:
    def run(frame: Frame) -> Any:
        total: Any = 0
        for _, _, answer in loop.answers(frame):
            total = operators.add(answer, total)
        return total

    return run


def _find(part: int, *, backwards: bool) -> Callable[[Loop, Run | None], Run]:
    """The index (part 0) or the element (part 1) of the first element that fits."""

    def build(loop: Loop, _: Run | None) -> Run:
        def run(frame: Frame) -> Any:
            for answer in loop.answers(frame, backwards=backwards):
                if operators.logical(answer[2]):
                    return answer[part]
            return None

        return run

    return build


def _group_by(loop: Loop, _: Run | None) -> Run:
    def run(frame: Frame) -> OpenMap:
        groups = OpenMap()
        for _, item, answer in loop.answers(frame):
            if isinstance(answer, list | dict):
                raise Fault(f"{text.type_name(answer)} cannot be a map key")
            groups.setdefault(answer, []).append(item)
        return groups

    return run


def _sort_by(loop: Loop, order: Run | None) -> Run:
    def run(frame: Frame) -> list[Any]:
        pairs = [(item, answer) for _, item, answer in loop.answers(frame)]
        direction = order(frame) if order else "asc"
        return builtin_lists.ordered([item for item, _ in pairs], [key for _, key in pairs], direction)

    return run


def _reduce(loop: Loop, start: Run | None) -> Run:
    return lambda frame: loop.accumulate(frame, start)


BUILDERS: dict[str, Callable[[Loop, Run | None], Run]] = {
    "all": _quantifier(False),
    "any": _quantifier(True),
    "none": _none,
    "one": _one,
    "count": _count,
    "filter": _filter,
    "map": _map,
    "sum": _sum,
    "find": _find(1, backwards=False),
    "findIndex": _find(0, backwards=False),
    "findLast": _find(1, backwards=True),
    "findLastIndex": _find(0, backwards=True),
    "groupBy": _group_by,
    "sortBy": _sort_by,
    "reduce": _reduce,
}
