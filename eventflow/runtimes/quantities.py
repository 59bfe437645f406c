"""Kubernetes' quantities: `500m`, `128Mi`, `1e3` (apimachinery, resource.Quantity)."""

import re
from decimal import ROUND_CEILING, Decimal, InvalidOperation

from eventflow.errors import UserError

_FORM = re.compile(r"^([+-]?(?:\d+\.?\d*|\.\d+))(?:([eE][+-]?\d+)|([KMGTPE]i|[numkMGTPE]))?$")
_BINARY = {"Ki": 1, "Mi": 2, "Gi": 3, "Ti": 4, "Pi": 5, "Ei": 6}
_DECIMAL = {"n": -9, "u": -6, "m": -3, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}


def parse(text: str) -> Decimal:
    """Return the number a quantity stands for. Raises UserError."""
    match = _FORM.match(text.strip())
    if match is None:
        raise UserError(f"{text!r} is no quantity", hint="for example 500m, 2, 128Mi, 1G")
    number, exponent, suffix = match.groups()
    try:
        value = Decimal(number + (exponent or ""))
    except InvalidOperation as error:
        raise UserError(f"{text!r} is no quantity") from error
    if suffix in _BINARY:
        return value * Decimal(1024) ** _BINARY[suffix]
    return value.scaleb(_DECIMAL[suffix]) if suffix else value


def in_units(text: str, divisor: str) -> str:
    """Return a quantity in units of another, rounded up, as a resourceFieldRef gives it."""
    unit = parse(divisor) or Decimal(1)
    return str((parse(text) / unit).to_integral_value(ROUND_CEILING))
