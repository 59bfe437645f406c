"""From values of CEL to plain JSON, for results that leave an expression: parameters, payloads, explanations."""

import base64
from typing import Any

from eventflow.expressions.cel.errors import Failure
from eventflow.expressions.cel.limits import BUDGET, Budget, charge
from eventflow.expressions.cel.values import Optional, Type, Uint

_PLAIN = frozenset((str, bool, int, type(None)))


def plain(value: Any, budget: Budget | None = None) -> Any:
    """The value with timestamps and durations as their text, bytes as base64, types by name and an absent optional as
    null. Lists and maps are copied, for an expression may hold one value many times over: the budget bounds that.

    Raises Failure for what JSON cannot hold, LimitExceeded for what is too large.
    """
    return _plain(value, [BUDGET] if budget is None else budget)


def _plain(value: Any, budget: Budget) -> Any:
    charge(budget, 1)
    kind = value.__class__
    if kind in _PLAIN:
        return value
    if kind is list:
        return [_plain(item, budget) for item in value]
    if kind is dict:
        return {_key(key): _plain(item, budget) for key, item in value.items()}
    return _own(value, budget)


def _key(key: Any) -> str:
    if key.__class__ is bool:
        return "true" if key else "false"
    return key if key.__class__ is str else str(int(key))


def _own(value: Any, budget: Budget) -> Any:
    kind = value.__class__
    if kind is float:
        if value - value != 0:
            raise Failure("JSON has no infinity and no NaN")
        return value
    if kind is Uint:
        return int(value)
    if kind is bytes:
        return base64.b64encode(value).decode()
    if kind is Optional:
        return _plain(value.value, budget) if value.present else None
    return value.name if kind is Type else str(value)
