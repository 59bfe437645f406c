"""What a plain YAML scalar means to Kubernetes: sigs.k8s.io/yaml v1.6.0, goyaml.v2/resolve.go, then JSON.

YAML 1.1 booleans (`yes`, `on`, `y`) are booleans; there are no times of day and no dates; `010` is octal; an integral
float is an integer, because JSON does not tell them apart.
"""

import re
from typing import Final

from eventflow.errors import UserError

_TRUE = ("y", "yes", "true", "on")
_FALSE = ("n", "no", "false", "off")
WORDS: Final[dict[str, bool | None]] = {
    **{form: True for word in _TRUE for form in (word, word.capitalize(), word.upper())},
    **{form: False for word in _FALSE for form in (word, word.capitalize(), word.upper())},
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
}
SURPRISING_WORDS: Final = frozenset(word for word in WORDS if word.lower() in ("y", "yes", "on", "n", "no", "off"))

_NUMERIC_START: Final = frozenset("0123456789+-.")
_INTEGER = re.compile(r"([-+]?)(?:0[xX]([0-9a-fA-F]+)|0[bB]([01]+)|0[oO]?([0-7]+)|([1-9][0-9]*|0))")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_NOT_JSON = re.compile(r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)")
_EXACT_FLOAT: Final = 2**53
_LARGEST: Final = 2**64


Scalar = str | int | float | bool | None


def resolve(text: str) -> Scalar:
    """Return the value of a plain scalar without a tag. Raises UserError for infinity and NaN, which JSON lacks."""
    if text in WORDS:
        return WORDS[text]
    return _number(text) if text[0] in _NUMERIC_START else text


def _number(text: str) -> Scalar:
    digits = text.replace("_", "") if text[0] != "." else text
    found = _INTEGER.fullmatch(digits)
    if found is not None:
        sign, sixteen, two, eight, ten = found.groups()
        base = 16 if sixteen else 2 if two else 8 if eight else 10
        value = int(sixteen or two or eight or ten, base)
        if value < _LARGEST or base != 10:
            return -value if sign == "-" else value
    if _FLOAT.fullmatch(digits):
        return _float(digits, text)
    if _NOT_JSON.fullmatch(text):
        raise UserError(f"{text} is no JSON number", hint=f'quote it to keep the text: "{text}"')
    return text


def _float(digits: str, text: str) -> Scalar:
    number = float(digits)
    if number in (float("inf"), float("-inf")):
        return text
    return int(number) if number.is_integer() and abs(number) < _EXACT_FLOAT else number


def plain_number(value: float) -> str:
    """Return a number as Go's FormatFloat(value, 'f', -1, 64) does: shortest digits, never an exponent."""
    if isinstance(value, int):
        return str(value)
    mantissa, _, exponent = repr(value).partition("e")
    if not exponent:
        return mantissa.removesuffix(".0")
    return _shifted(mantissa, int(exponent))


def _shifted(mantissa: str, exponent: int) -> str:
    sign = "-" if mantissa.startswith("-") else ""
    whole, _, fraction = mantissa.removeprefix("-").partition(".")
    digits = whole + fraction
    point = len(whole) + exponent
    if point <= 0:
        return f"{sign}0.{'0' * -point}{digits}"
    padded = digits.ljust(point, "0")
    rest = padded[point:].rstrip("0")
    return f"{sign}{padded[:point]}{'.' + rest if rest else ''}"
