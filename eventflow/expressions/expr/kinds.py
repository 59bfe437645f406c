"""Static types: what is known of a value before anything is evaluated (expr-lang v1.17 checker/nature)."""

from dataclasses import dataclass

from eventflow.expressions.golang import text
from eventflow.expressions.golang.duration import Duration
from eventflow.expressions.golang.moment import Time
from eventflow.expressions.golang.zone import FixedZone, NamedZone


@dataclass(frozen=True, slots=True)
class Kind:
    """A static type by its Go name; of a list also that of its elements, None when unknown."""

    name: str
    element: "Kind | None" = None

    def __str__(self) -> str:
        return self.name


ANY = Kind("any")
NIL = Kind("nil")
BOOL = Kind("bool")
INT = Kind("int")
FLOAT = Kind("float64")
STRING = Kind("string")
BYTES = Kind("[]uint8")
ARRAY = Kind("array")
MAP = Kind("map")
OPEN_MAP = Kind("map of any")
TIME = Kind("time.Time")
DURATION = Kind("time.Duration")
LOCATION = Kind("*time.Location")
FUNCTION = Kind("func")

_BY_TYPE: tuple[tuple[type, Kind], ...] = (
    (bool, BOOL),
    (text.Month, Kind("time.Month")),
    (text.Weekday, Kind("time.Weekday")),
    (int, INT),
    (float, FLOAT),
    (str, STRING),
    (bytes, BYTES),
    (list, ARRAY),
    (dict, MAP),
    (Time, TIME),
    (Duration, DURATION),
    (FixedZone, LOCATION),
    (NamedZone, LOCATION),
)


def of_value(value: object) -> Kind:
    """Return the kind of a variable's value; elements of lists and maps are unknown."""
    if value is None:
        return NIL
    return next((kind for base, kind in _BY_TYPE if isinstance(value, base)), ANY)


def array_of(element: Kind) -> Kind:
    """Return the kind of a list whose elements are all of one kind."""
    return Kind("array", element)


def element_of(kind: Kind) -> Kind:
    """Return the kind of a list's elements."""
    return kind.element or ANY


def is_number(kind: Kind) -> bool:
    """Return whether arithmetic is defined."""
    return kind in (INT, FLOAT)


def is_array(kind: Kind) -> bool:
    """Return whether it is a list of whatever."""
    return kind.name == "array"


def comparable(left: Kind, right: Kind) -> bool:
    """Return whether `==` may compare the two."""
    if ANY in (left, right) or NIL in (left, right):
        return True
    return left.name == right.name or (is_number(left) and is_number(right))


def assignable(given: Kind, wanted: Kind) -> bool:
    """Return whether an argument of one kind fits a parameter of another."""
    if wanted == ANY or given == ANY:
        return True
    return given.name == wanted.name or (wanted == FLOAT and given == INT)
