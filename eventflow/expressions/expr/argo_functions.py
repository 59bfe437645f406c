"""The functions Argo adds to every expression (util/expr/env): asInt, asFloat, jsonpath, toJson."""

from collections.abc import Sequence
from typing import Any

from eventflow.expressions.expr import builtin_numbers, jsonpath
from eventflow.expressions.expr.builtin_texts import need_text
from eventflow.expressions.expr.errors import Fault
from eventflow.expressions.expr.frame import Frame
from eventflow.expressions.expr.functions import Function, overloads
from eventflow.expressions.expr.kinds import ANY, STRING
from eventflow.expressions.golang import json_text


def _jsonpath(frame: Frame, arguments: Sequence[Any]) -> Any:
    source, path = map(need_text, arguments)
    frame.spend(1)
    try:
        document = json_text.decode(source)
    except ValueError as error:
        raise Fault(f"the first argument of jsonpath is not JSON: {error}") from error
    return jsonpath.query(path, document)


def _to_json(_: Frame, arguments: Sequence[Any]) -> str:
    try:
        return json_text.encode(arguments[0])
    except ValueError as error:
        raise Fault(str(error)) from error


FUNCTIONS = (
    Function("asInt", lambda _, values: builtin_numbers.to_int(values[0]), overloads("asInt", ((ANY,), ANY))),
    Function("asFloat", lambda _, values: builtin_numbers.to_float(values[0]), overloads("asFloat", ((ANY,), ANY))),
    Function("jsonpath", _jsonpath, overloads("jsonpath", ((STRING, STRING), ANY))),
    Function("toJson", _to_json, overloads("toJson", ((ANY,), STRING))),
)
