"""`string.format(list)`. Source: cel-go ext/formatting.go: verbs s d f e b o x X, precision, no width."""

import decimal
import math
import re
from typing import Any

from eventflow.expressions.cel.errors import Failure
from eventflow.expressions.cel.functions.standard import to_string
from eventflow.expressions.cel.limits import Budget, charge, charge_string
from eventflow.expressions.cel.values import Optional, Type, Uint, type_of

_CLAUSE = re.compile(r"%(?:(%)|(?:\.([0-9]{1,3}))?([sdfebxXo])|)")
_MOST_DIGITS = 100
_DECIMALS = decimal.Context(prec=450, rounding=decimal.ROUND_HALF_EVEN)


def format_string(budget: Budget, template: str, arguments: list[Any]) -> str:
    """The template with its clauses replaced by the arguments, in order. Surplus arguments are ignored."""
    out, at, used = [], 0, 0
    for clause in _CLAUSE.finditer(template):
        percent, precision, verb = clause.groups()
        out.append(template[at : clause.start()])
        at = clause.end()
        if percent:
            out.append("%")
            continue
        if verb is None:
            raise Failure("the format has an unknown clause")
        if used >= len(arguments):
            raise Failure("the format has more clauses than arguments")
        out.append(_clause(budget, verb, precision, arguments[used]))
        used += 1
    out.append(template[at:])
    return "".join(out)


def _clause(budget: Budget, verb: str, precision: str | None, value: Any) -> str:
    text = _text(budget, value) if verb == "s" else _number(verb, precision, value)
    charge_string(budget, len(text))
    return text


def _text(budget: Budget, value: Any) -> str:
    """The text of any value; maps by the text of their keys."""
    charge(budget, 1)
    kind = value.__class__
    if value is None:
        return "null"
    if kind is float:
        return _special(value) or _positional(value)
    if kind is list:
        return _bounded(budget, "[" + ", ".join(_text(budget, item) for item in value) + "]")
    if kind is dict:
        pairs = sorted((_text(budget, key), _text(budget, item)) for key, item in value.items())
        return _bounded(budget, "{" + ", ".join(f"{key}: {item}" for key, item in pairs) + "}")
    if kind is Type:
        return str(value.name)
    if kind is Optional:
        raise _unsuitable("s", value)
    return value.decode("utf-8", "replace") if kind is bytes else to_string(value)


def _positional(value: float) -> str:
    """The shortest text that reads back as the same number, without exponent or needless fraction."""
    text = format(decimal.Decimal(repr(value)), "f")
    return text.removesuffix(".0")


def _bounded(budget: Budget, text: str) -> str:
    # Each level of nesting copies what is under it.
    charge_string(budget, len(text))
    return text


def _special(value: float) -> str:
    if math.isnan(value):
        return "NaN"
    return ("Infinity" if value > 0 else "-Infinity") if math.isinf(value) else ""


def _number(verb: str, precision: str | None, value: Any) -> str:
    kind = value.__class__
    whole = kind is int or kind is Uint
    if verb in "fe" and (whole or kind is float):
        return _decimal(verb, 6 if precision is None else int(precision), float(value))
    if verb == "d" and kind is float and _special(value):
        return _special(value)
    if verb == "b" and kind is bool:
        return "1" if value else "0"
    if verb in "dbo" and whole:
        return format(int(value), verb)
    if verb in "xX" and (whole or kind is str or kind is bytes):
        digits = format(int(value), "x") if whole else (value.encode() if kind is str else value).hex()
        return digits.upper() if verb == "X" else digits
    raise _unsuitable(verb, value)


def _decimal(verb: str, precision: int, value: float) -> str:
    if precision > _MOST_DIGITS:
        raise Failure("the format asks for too many digits")
    if _special(value):
        return _special(value)
    if verb == "e":
        return f"{value:.{precision}e}"
    return str(decimal.Decimal(value).quantize(decimal.Decimal(1).scaleb(-precision), context=_DECIMALS))


def _unsuitable(verb: str, value: Any) -> Failure:
    return Failure(f"%{verb} of the format does not take {type_of(value).name}")
