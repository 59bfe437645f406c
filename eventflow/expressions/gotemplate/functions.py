"""The functions a template may call: those of Go's text/template, and sprig's.

As everywhere in eventflow, sprig's functions read no environment and no network; what looks random follows from a seed.
"""

import re
from collections.abc import Sequence
from typing import Any

from eventflow.expressions.expr.errors import Fault
from eventflow.expressions.expr.frame import Frame
from eventflow.expressions.gotemplate import builtins
from eventflow.expressions.gotemplate.values import TemplateError
from eventflow.expressions.sprig import registry

NAMES = frozenset(builtins.FUNCTIONS) | frozenset(registry.FUNCTIONS) | {"and", "or"}

# sprig's functions with parameters of type interface{}: Go passes nil to these and refuses it to all others.
_TAKE_NIL = frozenset([
    "add", "add1", "add1f", "addf", "ago", "all", "any", "append", "biggest", "cat", "ceil", "chunk", "coalesce",
    "compact", "concat", "date", "dateInZone", "dateModify", "date_in_zone", "date_modify", "deepCopy",
    "deepEqual", "default", "dict", "dig", "div", "divf", "duration", "durationRound", "empty", "first",
    "float64", "floor", "has", "htmlDate", "htmlDateInZone", "initial", "int", "int64", "join", "kindIs",
    "kindOf", "last", "list", "max", "maxf", "min", "minf", "mod", "mul", "mulf", "mustAppend", "mustChunk",
    "mustCompact", "mustDateModify", "mustDeepCopy", "mustFirst", "mustHas", "mustInitial", "mustLast",
    "mustPrepend", "mustPush", "mustRest", "mustReverse", "mustSlice", "mustToJson", "mustToPrettyJson",
    "mustToRawJson", "mustUniq", "mustWithout", "plural", "prepend", "push", "quote", "rest", "reverse", "round",
    "set", "slice", "sortAlpha", "squote", "sub", "subf", "ternary", "toDecimal", "toJson", "toPrettyJson",
    "toRawJson", "toString", "toStrings", "tuple", "typeIs", "typeIsLike", "typeOf", "uniq", "unixEpoch",
    "without",
])  # fmt: skip
_TIMED = ("now", "ago")
_DEFECTS = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError, RecursionError, MemoryError, re.error)


def call(name: str, arguments: Sequence[Any], frame: Frame) -> Any:
    """Call a function. Raises TemplateError: wrong number or type of arguments, or what the function itself refuses."""
    try:
        if name in builtins.FUNCTIONS:
            return _builtin(name, arguments)
        return _sprig(name, arguments, frame)
    except Fault as fault:
        raise TemplateError(f"template: error calling {name}: {fault}") from fault
    except _DEFECTS as error:
        raise TemplateError(f"template: error calling {name}: {error}") from error


def _builtin(name: str, arguments: Sequence[Any]) -> Any:
    run, least, most = builtins.FUNCTIONS[name]
    if len(arguments) < least or (most is not None and len(arguments) > most):
        raise Fault(f"wrong number of args: want {least}, got {len(arguments)}")
    return run(*arguments)


def _sprig(name: str, arguments: Sequence[Any], frame: Frame) -> Any:
    function = registry.FUNCTIONS[name]
    if name in _TIMED and not frame.environment.now:
        raise Fault("the time is not known here; use the event's: .Input.time")
    if name not in _TAKE_NIL and any(argument is None for argument in arguments):
        raise Fault("invalid value: a text or a number is needed, and there is none")
    function.check([builtins.kind_of(argument) for argument in arguments])
    return function.run(frame, arguments)
