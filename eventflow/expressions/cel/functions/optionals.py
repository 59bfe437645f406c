"""Values that may be absent. Source: cel-go cel/library.go, "OptionalTypes"."""

from typing import Any

from eventflow.expressions.cel.errors import Failure
from eventflow.expressions.cel.functions.registry import Function, define
from eventflow.expressions.cel.temporal import Duration, Timestamp
from eventflow.expressions.cel.values import NONE, Optional, no_overload


def _of_non_zero(value: Any) -> Optional:
    """Absent for null, false, 0, empty texts, lists and maps."""
    if value is None or (value.__class__ is Duration and value.ns == 0):
        return NONE
    if value.__class__ is Timestamp:
        return Optional(True, value)
    return Optional(True, value) if value else NONE


def _value(optional: Optional) -> Any:
    if not optional.present:
        raise Failure("value() of an optional that is absent")
    return optional.value


def flat(optional: Any) -> Optional:
    """The value, which must be an optional. Raises Failure when it is not."""
    if optional.__class__ is not Optional:
        raise no_overload("optional", optional)
    return optional


FUNCTIONS: tuple[Function, ...] = (
    define("optional.of", lambda value: Optional(True, value), "dyn", "optional", form="free"),
    define("optional.ofNonZeroValue", _of_non_zero, "dyn", "optional", form="free"),
    define("optional.none", lambda: NONE, "", "optional", form="free"),
    define("hasValue", lambda optional: optional.present, "optional", "bool"),
    define("value", _value, "optional", "dyn"),
    define("or", lambda a, b: a if a.present else b, "optional, optional", "optional"),
    define("orValue", lambda a, default: a.value if a.present else default, "optional, dyn", "dyn"),
)
