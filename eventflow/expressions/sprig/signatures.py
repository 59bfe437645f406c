"""How a sprig function is declared: its Go parameter types, which Go checks at the call without converting anything."""

from collections.abc import Callable, Sequence
from typing import Any

from eventflow.expressions.expr.errors import Fault
from eventflow.expressions.expr.frame import Frame
from eventflow.expressions.expr.functions import Function, OpenMap, counted
from eventflow.expressions.golang import moment, text
from eventflow.expressions.golang.moment import Time

# One letter a parameter: (Go type, what accepts it, what nil becomes).
_LETTERS: dict[str, tuple[str, Callable[[Any], bool], Callable[[], Any]]] = {
    "s": ("string", lambda value: isinstance(value, str), str),
    "i": ("int", lambda value: type(value) is int, int),
    "f": ("float64", lambda value: isinstance(value, float), float),
    "b": ("bool", lambda value: isinstance(value, bool), bool),
    "m": ("map[string]interface {}", lambda value: isinstance(value, dict) and not isinstance(value, OpenMap), dict),
    "t": ("time.Time", lambda value: isinstance(value, Time), lambda: moment.ZERO),
    "a": ("interface {}", lambda _: True, lambda: None),
}


def define(name: str, parameters: str, run: Callable[..., Any], *, framed: bool = False) -> Function:
    """Return a function with parameters such as `ss` or `sa*` (`*`: any number of the letter before it).

    `run` gets the arguments, after the frame if `framed`, and may raise Fault or ValueError.
    """
    variadic = parameters.endswith("*")
    letters = parameters.rstrip("*")
    fixed = len(letters) - variadic

    def call(frame: Frame, arguments: Sequence[Any]) -> Any:
        frame.spend(1)
        values = [_accept(name, letters[min(index, len(letters) - 1)], value) for index, value in enumerate(arguments)]
        try:
            return run(frame, *values) if framed else run(*values)
        except ValueError as error:
            raise Fault(str(error)) from error

    return Function(name, call, counted(name, fixed, None if variadic else fixed))


def _accept(name: str, letter: str, value: Any) -> Any:
    wanted, accepts, zero = _LETTERS[letter]
    if value is None:
        return zero()
    if not accepts(value):
        raise Fault(f"cannot use {text.type_name(value)} as argument (type {wanted}) to call sprig.{name}")
    return value


def need_list(name: str, value: Any) -> list[Any]:
    """Return a list as it is. Raises Fault."""
    if isinstance(value, list):
        return value
    raise Fault(f"cannot {name} on type {text.kind_name(value)}")


def is_empty(value: Any) -> bool:
    """Return whether a template would treat a value as false."""
    if isinstance(value, Time):
        return False
    return value is None or value in (0, "", False) or (isinstance(value, list | dict | bytes) and not value)


def show(value: Any) -> str:
    """Return the text of a value (sprig's strval)."""
    return text.from_bytes(value) if isinstance(value, bytes) else text.format_value(value)


def show_all(value: Any) -> list[str]:
    """Return a list's texts without nil; anything else as the only text (sprig's strslice)."""
    if isinstance(value, list):
        return [show(item) for item in value if item is not None]
    return [] if value is None else [show(value)]
