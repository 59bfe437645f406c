"""fmt.Sprintf with its verbs, flags and error texts such as `%!d(MISSING)`."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from eventflow.expressions.golang import numbers, text

_DIRECTIVE = re.compile(r"%([-+# 0]*)(?:\[(\d+)\])?(\*|\d+)?(?:\.(\*|\d+)?)?(?:\[(\d+)\])?(.)?", re.DOTALL)
_BASES = {"b": "b", "o": "o", "O": "o", "x": "x", "X": "X"}
_MAXIMUM_WIDTH = 1_000_000


@dataclass(frozen=True, slots=True)
class _Form:
    flags: str
    width: int | None
    precision: int | None
    verb: str


def sprintf(pattern: str, *values: object) -> str:
    """Return what Go's fmt.Sprintf returns for values of None, bool, int, float, str, list, dict and times."""
    printer = _Printer(values)
    parts: list[str] = []
    position = 0
    for match in _DIRECTIVE.finditer(pattern):
        parts += (pattern[position : match.start()], printer.directive(match))
        position = match.end()
    parts.append(pattern[position:])
    return "".join(parts) + printer.extra()


def fits(pattern: str, *values: object) -> bool:
    """Return whether every directive found its value, of a kind it can print, and no value is left."""
    result = sprintf(pattern, *values)
    return "%!" not in result


class _Printer:
    """Hands out the values of one call in order."""

    def __init__(self, values: Sequence[object]) -> None:
        self._values = values
        self._next = 0
        self._reordered = False

    def directive(self, match: re.Match[str]) -> str:
        flags, first, width, precision, second, verb = match.groups()
        if verb is None:
            return "%!(NOVERB)"
        if verb == "%":
            return "%"
        if first or second:
            self._next, self._reordered = int(first or second) - 1, True
        form = _Form(flags, self._measure(width), self._precision(match[0], precision), verb)
        if not 0 <= self._next < len(self._values):
            return f"%!{verb}({'BADINDEX' if first or second else 'MISSING'})"
        value = self._values[self._next]
        self._next += 1
        return _pad(_print(form, value), form)

    def extra(self) -> str:
        left = self._values[self._next :]
        if self._reordered or not left:
            return ""
        shown = ", ".join(f"{text.type_name(value)}={text.format_value(value)}" for value in left)
        return f"%!(EXTRA {shown})"

    def _measure(self, given: str | None) -> int | None:
        if given != "*":
            return min(int(given), _MAXIMUM_WIDTH) if given else None
        value = self._values[self._next] if self._next < len(self._values) else None
        self._next += 1
        return min(value, _MAXIMUM_WIDTH) if isinstance(value, int) else None

    def _precision(self, whole: str, given: str | None) -> int | None:
        if given is None:
            return 0 if "." in whole else None
        return self._measure(given)


def _print(form: _Form, value: object) -> str:
    if form.verb == "T":
        return text.type_name(value)
    if form.verb == "v":
        return _plus(form, value, _go_syntax(value) if "#" in form.flags else text.format_value(value))
    shown: str | None = None
    if isinstance(value, bool):
        shown = text.format_value(value) if form.verb == "t" else None
    elif isinstance(value, int):
        shown = _integer(form, value)
    elif isinstance(value, float):
        shown = _float(form, value)
    elif isinstance(value, str):
        shown = _string(form, value)
    elif isinstance(value, list | tuple):
        return "[" + " ".join(_pad(_print(form, item), form) for item in value) + "]"
    elif form.verb == "s":
        shown = str(value) if value is not None else None
    if shown is None:
        return _bad_verb(form, value)
    return shown


def _bad_verb(form: _Form, value: object) -> str:
    if value is None:
        return f"%!{form.verb}(<nil>)"
    return f"%!{form.verb}({text.type_name(value)}={text.format_value(value)})"


def _integer(form: _Form, value: int) -> str | None:
    if form.verb == "d":
        digits = str(abs(value))
    elif form.verb in _BASES:
        prefix = {"x": "0x", "X": "0X", "o": "0", "b": "0b"}.get(form.verb, "") if "#" in form.flags else ""
        digits = ("0o" if form.verb == "O" else prefix) + format(abs(value), _BASES[form.verb])
    elif form.verb == "c":
        return chr(value) if 0 <= value < 0x110000 else "\ufffd"
    elif form.verb == "q":
        return f"'{chr(value)}'" if 0 <= value < 0x110000 else "'\ufffd'"
    elif form.verb == "U":
        return f"U+{value:04X}"
    else:
        return None
    if form.precision is not None:
        digits = digits.rjust(form.precision, "0")
    return _sign(form, value < 0) + digits


def _float(form: _Form, value: float) -> str | None:
    if form.verb not in "eEfFgG":
        return None
    if form.verb in "gG" and form.precision is None:
        shown = numbers.general(value)
        shown = shown.upper() if form.verb == "G" else shown
        return _plus(form, value, shown)
    precision = 6 if form.precision is None else form.precision
    return f"{value:{'+' if '+' in form.flags else ''}.{precision}{form.verb}}"


def _string(form: _Form, value: str) -> str | None:
    shown = value if form.precision is None else value[: form.precision]
    if form.verb == "s":
        return shown
    if form.verb == "q":
        return text.quote(shown)
    if form.verb in "xX":
        digits = text.to_bytes(shown).hex()
        return digits.upper() if form.verb == "X" else digits
    return None


def _go_syntax(value: object) -> str:
    return text.quote(value) if isinstance(value, str) else text.format_value(value)


def _plus(form: _Form, value: object, shown: str) -> str:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return "+" + shown if number and "+" in form.flags and shown[0] not in "+-" else shown


def _sign(form: _Form, negative: bool) -> str:
    if negative:
        return "-"
    if "+" in form.flags:
        return "+"
    return " " if " " in form.flags else ""


def _pad(shown: str, form: _Form) -> str:
    width = form.width
    if width is None or len(shown) >= abs(width):
        return shown
    if "-" in form.flags or width < 0:
        return shown.ljust(abs(width))
    if "0" in form.flags and form.verb not in "sqvT":
        sign = shown[0] if shown[0] in "+- " else ""
        return sign + shown[len(sign) :].rjust(width - len(sign), "0")
    return shown.rjust(width, "0") if "0" in form.flags else shown.rjust(width)
