"""Go's text forms of values: strconv.Quote, fmt's %v and %T, and UTF-8 as Go sees a string."""

from eventflow.expressions.golang import calendar, layout, numbers
from eventflow.expressions.golang.duration import Duration
from eventflow.expressions.golang.moment import Time
from eventflow.expressions.golang.zone import FixedZone, NamedZone

MAXIMUM_PARTS = 1_000_000

_ESCAPES = {
    "\a": "\\a",
    "\b": "\\b",
    "\f": "\\f",
    "\n": "\\n",
    "\r": "\\r",
    "\t": "\\t",
    "\v": "\\v",
    "\\": "\\\\",
    '"': '\\"',
}


class Month(int):
    """Go's time.Month: a number that prints as its English name."""

    def __str__(self) -> str:
        return calendar.MONTHS[self - 1]


class Weekday(int):
    """Go's time.Weekday: 0 to 6, printed as its English name."""

    def __str__(self) -> str:
        return calendar.WEEKDAYS[self]


def to_bytes(text: str) -> bytes:
    """Return the UTF-8 of a text; a lone surrogate becomes U+FFFD, as in Go."""
    try:
        return text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-8", "surrogatepass").decode("utf-8", "replace").encode()


def from_bytes(data: bytes) -> str:
    """Return the text of UTF-8 bytes; each invalid byte becomes U+FFFD."""
    return data.decode("utf-8", "replace")


def quote(text: str) -> str:
    """strconv.Quote: a Go string literal in double quotes."""
    return '"' + "".join(map(_escape, text)) + '"'


def _escape(character: str) -> str:
    if character in _ESCAPES:
        return _ESCAPES[character]
    if character == " " or character.isprintable():
        return character
    code = ord(character)
    if 0xD800 <= code < 0xE000:
        return "\\ufffd"
    if code < 0x80:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def format_value(value: object) -> str:
    """fmt's %v of a value made of None, bool, int, float, str, bytes, list, dict, times and durations.

    Raises ValueError for more than MAXIMUM_PARTS parts.
    """
    if isinstance(value, str):
        return value
    if value is None:
        return "<nil>"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return numbers.general(value)
    if isinstance(value, Time):
        return layout.format_time(value, layout.STRING)
    if isinstance(value, list | tuple | bytes | dict):
        return _format_nested(value, [MAXIMUM_PARTS])
    if isinstance(value, FixedZone | NamedZone):
        return value.name
    return str(value)


def _format_nested(value: object, left: list[int]) -> str:
    """Format lists and maps; `left` is how many parts more may come, for a small value can repeat a part many times."""
    left[0] -= 1
    if left[0] < 0:
        raise ValueError(f"the value has more than {MAXIMUM_PARTS} parts")
    if isinstance(value, dict):
        keys = sorted(value, key=_map_order)
        pairs = [f"{format_value(key)}:{_format_nested(value[key], left)}" for key in keys]
        return "map[" + " ".join(pairs) + "]"
    if isinstance(value, list | tuple | bytes):
        return "[" + " ".join([_format_nested(item, left) for item in value]) + "]"
    return format_value(value)


def _map_order(key: object) -> tuple[int, object]:
    rank = {type(None): 0, int: 1, float: 2, bool: 3}.get(type(key), 4)
    return rank, key if rank else 0


_TYPES: tuple[tuple[type, str, str], ...] = (
    (bool, "bool", "bool"),
    (Month, "time.Month", "int"),
    (Weekday, "time.Weekday", "int"),
    (numbers.Int64, "int64", "int64"),
    (int, "int", "int"),
    (float, "float64", "float64"),
    (str, "string", "string"),
    (bytes, "[]uint8", "slice"),
    (list, "[]interface {}", "slice"),
    (tuple, "[]interface {}", "slice"),
    (dict, "map[string]interface {}", "map"),
    (Time, "time.Time", "struct"),
    (Duration, "time.Duration", "int64"),
    (FixedZone, "*time.Location", "ptr"),
    (NamedZone, "*time.Location", "ptr"),
)


def type_name(value: object) -> str:
    """fmt's %T."""
    if value is None:
        return "<nil>"
    return next((name for kind, name, _ in _TYPES if isinstance(value, kind)), "func")


def kind_name(value: object) -> str:
    """reflect.Kind's name."""
    if value is None:
        return "invalid"
    return next((name for kind, _, name in _TYPES if isinstance(value, kind)), "func")
