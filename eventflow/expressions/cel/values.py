"""The values of CEL that JSON has no form for, and the type of every value.

A string is a str, a map a dict, a list a list, an int, a double, a bool and null are Python's own: an event is used
as it was decoded. Only what expressions themselves produce needs the light types here and in temporal.py.
"""

from typing import Any, Final

from eventflow.expressions.cel.errors import Failure
from eventflow.expressions.cel.network import Cidr, Ip
from eventflow.expressions.cel.semver import Semver
from eventflow.expressions.cel.temporal import Duration, Timestamp


class Uint(int):
    """An unsigned integer of 64 bits. Equal to the int of the same value, but of another type to operators."""

    __slots__ = ()


class Type:
    """A type as a value: what `type(x)` gives and names such as `int` stand for."""

    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        self.name = name

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Type) and other.name == self.name

    def __hash__(self) -> int:
        return hash(self.name)

    def __repr__(self) -> str:
        return self.name


class Optional:
    """A value that may be absent. Source: cel-spec, proposal 246 (optional values)."""

    __slots__ = ("present", "value")

    def __init__(self, present: bool, value: Any = None) -> None:
        self.present = present
        self.value = value

    def __getitem__(self, key: str) -> "Optional":
        """A field of the value, when there is one: selection on an optional is optional throughout."""
        return self.select(key)

    def select(self, key: str) -> "Optional":
        if not self.present:
            return self
        held = self.value
        if held.__class__ is Optional:
            return Optional.select(held, key)
        if held.__class__ is not dict:
            raise Failure("no such overload: optional field selection needs a map")
        return Optional(True, held[key]) if key in held else NONE


NONE: Final = Optional(False)

INT = Type("int")
UINT = Type("uint")
DOUBLE = Type("double")
BOOL = Type("bool")
STRING = Type("string")
BYTES = Type("bytes")
LIST = Type("list")
MAP = Type("map")
NULL = Type("null_type")
TYPE = Type("type")
TIMESTAMP = Type("google.protobuf.Timestamp")
DURATION = Type("google.protobuf.Duration")
OPTIONAL = Type("optional_type")

_TYPE_OF: Final[dict[type, Type]] = {
    int: INT,
    Uint: UINT,
    float: DOUBLE,
    bool: BOOL,
    str: STRING,
    bytes: BYTES,
    list: LIST,
    dict: MAP,
    type(None): NULL,
    Type: TYPE,
    Timestamp: TIMESTAMP,
    Duration: DURATION,
    Optional: OPTIONAL,
    Ip: Type("net.IP"),
    Cidr: Type("net.CIDR"),
    Semver: Type("semver"),
}

NAMED: Final = {kind.name: kind for kind in _TYPE_OF.values() if kind.name != "semver"}
"""The types that an expression can name."""

# What a parameter of a function or the checker calls a type, and the classes of its values.
CLASSES: Final[dict[str, tuple[type, ...]]] = {
    "int": (int,),
    "uint": (Uint,),
    "double": (float,),
    "bool": (bool,),
    "string": (str,),
    "bytes": (bytes,),
    "list": (list,),
    "map": (dict,),
    "null": (type(None),),
    "type": (Type,),
    "timestamp": (Timestamp,),
    "duration": (Duration,),
    "optional": (Optional,),
    "ip": (Ip,),
    "cidr": (Cidr,),
    "semver": (Semver,),
}


def type_of(value: object) -> Type:
    """The type of a value. A class that CEL does not know is named as Python names it."""
    return _TYPE_OF.get(value.__class__) or Type(value.__class__.__name__)


def no_overload(function: str, *arguments: object) -> Failure:
    """The error of a function or operator that does not take arguments of these types."""
    kinds = [type_of(value).name for value in arguments]
    advice = "; convert with int() or double()" if {"int", "double"} <= set(kinds) else ""
    return Failure(f"no such overload: {function}({', '.join(kinds)}){advice}")
