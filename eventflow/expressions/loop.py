"""withItems, withParam and withSequence (Argo v4.1.2 workflow/controller, expandTask, processItem, expandSequence).

`items` gives what to loop over, one by one and lazily; `Body.expand` puts one item into a task. Both are pure.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from eventflow.expressions.errors import LoopError, WhenError
from eventflow.expressions.expr.environment import Environment
from eventflow.expressions.golang import json_text, numbers, sprintf, text
from eventflow.expressions.scope import Scope
from eventflow.expressions.template import CompiledTree
from eventflow.expressions.when import evaluate_when

LOOPS = ("withItems", "withParam", "withSequence")
MAXIMUM_ITEMS = 1_000_000


@dataclass(frozen=True, slots=True)
class Item:
    """One turn of a loop: `suffix` goes behind the task's name, `variables` are item and item.<key>."""

    index: int
    description: str
    variables: Mapping[str, str]

    @property
    def suffix(self) -> str:
        """Return `(index:description)`."""
        return f"({self.index}:{self.description})"


class Number(str):
    """A number as it was written, so that 2.50 and 9007199254740993 stay what they are."""

    __slots__ = ()


def is_loop(task: Mapping[str, Any]) -> bool:
    """Return whether a step or task is repeated."""
    return any(task.get(key) for key in LOOPS) or task.get("withSequence") is not None


def items(task: Mapping[str, Any]) -> Iterator[Item]:
    """Yield the items of a step or task whose tags are replaced.

    Raises LoopError at the first item, for a withParam that is no JSON list or a sequence that does not count; but
    nothing at all comes of them if `when` is known to be false.
    """
    try:
        values = _values(task)
    except LoopError:
        if not executes(task.get("when") or ""):
            return
        raise
    for index, value in enumerate(values):
        yield _item(index, value)


def executes(when: str) -> bool:
    """Return False where a condition is known to be false; one that cannot be evaluated yet may still hold."""
    try:
        return evaluate_when(when)
    except WhenError:
        return True


class Body:
    """A step or task to be repeated, its tags found once."""

    def __init__(self, task: Mapping[str, Any]) -> None:
        self.name: str = task.get("name") or ""
        self._template = task.get("template")
        self._lenient = not executes(task.get("when") or "")
        self._tree = CompiledTree({key: value for key, value in task.items() if key not in LOOPS})

    def expand(
        self, item: Item, lookup: Mapping[str, Any] | Scope, *, environment: Environment | None = None
    ) -> dict[str, Any]:
        """Return the step or task for one item, under its own name.

        Every tag must be known, unless `when` is false anyway. Give one Scope for all items. Raises MissingVariable
        and other TemplateErrors.
        """
        outer = Scope.of(lookup)
        if self._lenient:
            outer = Scope({name: value for name, value in outer.items() if value is not None})
        expanded = self._tree.render(
            Scope(item.variables, outer), allow_unresolved=self._lenient, environment=environment
        )
        own = {"name": self.name + item.suffix}
        if self._template is not None:
            own["template"] = self._template
        return {**expanded, **own}


def expand(
    task: Mapping[str, Any], lookup: Mapping[str, Any] | Scope, *, environment: Environment | None = None
) -> Iterator[tuple[Item, dict[str, Any]]]:
    """Yield (item, step or task for it), one by one."""
    body, outer = Body(task), Scope.of(lookup)
    for item in items(task):
        yield item, body.expand(item, outer, environment=environment)


def _values(task: Mapping[str, Any]) -> Sequence[Any]:
    if task.get("withItems"):
        return list(task["withItems"])
    if task.get("withParam"):
        return _parameter(task["withParam"])
    if task.get("withSequence") is not None:
        return _Sequence.of(task["withSequence"])
    return []


def _parameter(source: str) -> list[Any]:
    try:
        found = json.loads(source, parse_int=Number, parse_float=Number, parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        raise _no_list(source, f": {error}") from error
    if found is None:
        return []
    if not isinstance(found, list):
        raise _no_list(source)
    return found


def _no_list(source: str, reason: str = "") -> LoopError:
    shown = source.strip()
    shown = shown if len(shown) <= 200 else shown[:200] + "…"
    return LoopError(f"withParam value could not be parsed as a JSON list: {shown}{reason}")


def _refuse(word: str) -> Any:
    raise ValueError(f"{word} is no JSON")


def _item(index: int, value: Any) -> Item:
    """Return an item as Argo names it: texts and numbers as they are, maps sorted, lists as Go prints them."""
    if isinstance(value, dict):
        own = {f"item.{key}": show(inner) for key, inner in value.items()}
        described = ",".join(sorted((f"{key}:{_inner(inner)}" for key, inner in value.items()), key=text.to_bytes))
        return Item(index, _clean(described), {"item": _json(dict(sorted(value.items()))), **own})
    if isinstance(value, list):
        return Item(index, _clean("[" + " ".join(map(_inner, value)) + "]"), {"item": _json(value)})
    if value is None:
        return Item(index, "[]", {"item": "null"})
    return Item(index, _clean(_inner(value)), {"item": show(value)})


def show(value: Any) -> str:
    """Return what `{{item}}` or `{{item.key}}` inserts: a text as it is, everything else as JSON."""
    if isinstance(value, str):
        return str(value)
    return _json(value)


def _inner(value: Any) -> str:
    """Return a value within a name: JSON, a text without its quotes."""
    if isinstance(value, str) and not isinstance(value, Number):
        return json_text.encode_string(value, html=False)[1:-1]
    return _json(value, html=False)


def _clean(description: str) -> str:
    """Parentheses delimit the description in a name, so it has none."""
    return description.replace("(", "").replace(")", "")


def _json(value: Any, *, html: bool = True) -> str:
    if isinstance(value, Number):
        return str(value)
    if isinstance(value, dict):
        inner = (f"{json_text.encode_string(key, html=html)}:{_json(item, html=html)}" for key, item in value.items())
        return "{" + ",".join(inner) + "}"
    if isinstance(value, list):
        return "[" + ",".join(_json(item, html=html) for item in value) + "]"
    return json_text.encode(value, html=html)


class _Sequence(Sequence[str]):
    """The numbers of a withSequence, formatted when asked for."""

    def __init__(self, span: range, pattern: str) -> None:
        if len(span) > MAXIMUM_ITEMS:
            raise LoopError(f"withSequence has {len(span)} items, more than {MAXIMUM_ITEMS}")
        if len(span) and not sprintf.fits(pattern, span[0]):
            result = sprintf.sprintf(pattern, span[0])
            raise LoopError(
                f"the format {pattern!r} of withSequence does not fit a number: it gives {result!r}",
                hint="use one verb, such as %d, %03d or %x",
            )
        self._span = span
        self._pattern = pattern

    @classmethod
    def of(cls, sequence: Mapping[str, Any]) -> "_Sequence":
        """Return the sequence of {count | end, start, format}. Raises LoopError."""
        start = _bound(sequence, "start") or 0
        end, count = _bound(sequence, "end"), _bound(sequence, "count")
        if end is not None and count is not None:
            raise LoopError("withSequence has both count and end", hint="keep one of them")
        if end is None:
            if count is None:
                raise LoopError("neither end nor count was specified in withSequence")
            if count < 0:
                raise LoopError(f"withSequence cannot count to {count}")
            return cls(range(start, start + count), sequence.get("format") or "%d")
        span = range(start, end + 1) if start <= end else range(start, end - 1, -1)
        return cls(span, sequence.get("format") or "%d")

    def __len__(self) -> int:
        return len(self._span)

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return [sprintf.sprintf(self._pattern, number) for number in self._span[index]]
        return sprintf.sprintf(self._pattern, self._span[index])


def _bound(sequence: Mapping[str, Any], key: str) -> int | None:
    value = sequence.get(key)
    if value is None:
        return None
    try:
        return numbers.parse_int(value if isinstance(value, str) else text.format_value(value))
    except ValueError as error:
        raise LoopError(f"{key} of withSequence is no whole number: {error}") from error
