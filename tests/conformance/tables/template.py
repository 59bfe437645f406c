"""Judge of expressions/template: tags in a template."""

import json
import re
from typing import Any

from eventflow.errors import UserError
from eventflow.expressions import template
from eventflow.expressions.errors import AbsentOptional, MissingVariable, TemplateError
from eventflow.expressions.expr import program
from eventflow.expressions.expr.environment import Environment
from eventflow.expressions.expr.errors import ExprError
from eventflow.expressions.golang import json_text

TABLE = "expressions/template"

_ENVIRONMENT = Environment(now=1_760_000_000.0, seed="conformance")
_EXPRESSION = re.compile(r"\{\{=(.*)\}\}", re.DOTALL)


def judge(case: dict[str, Any]) -> str | None:
    """Return the difference to what Argo did, None if there is none or it is one of the documented ones."""
    answer = _answer(case)
    difference = _compare(case, answer)
    if difference and case.get("defect") and _is_documented(case, answer):
        return None
    return difference


def _answer(case: dict[str, Any]) -> Any:
    try:
        tree = json.loads(case["template"])
    except ValueError as error:
        return TemplateError(f"no JSON: {error}")
    strict = case.get("strictPrefixes")
    try:
        return template.substitute(
            tree,
            case["variables"],
            allow_unresolved=case.get("allowUnresolved", False) if strict is None else True,
            strict_prefixes=tuple(strict or ()),
            environment=_ENVIRONMENT,
        )
    except UserError as error:
        return error


def _compare(case: dict[str, Any], answer: Any) -> str | None:
    if case.get("error"):
        if not isinstance(answer, UserError):
            return f"expected an error ({case['error_class']}), got {answer!r}"
        if isinstance(answer, MissingVariable) != (case["error_class"] == "missing-variable"):
            return f"expected an error of the class {case['error_class']}, got {answer!r}"
        return None
    if isinstance(answer, UserError):
        return f"expected {case['outcome']['result']}, refused: {answer}"
    expected = json.loads(case["outcome"]["result"])
    return None if answer == expected else f"expected {expected!r}, got {answer!r}"


def _is_documented(case: dict[str, Any], answer: Any) -> bool:
    """docs/differences-expressions.md: what is done instead of a recorded defect."""
    if case.get("error_class") == "result-not-json":
        return bool(answer == _inserted(json.loads(case["template"]), case["variables"]))
    expression = _EXPRESSION.fullmatch(_leaf(case["template"]))
    if expression is None:
        return bool(answer == _inserted(json.loads(case["template"]), case["variables"]))
    if case.get("error"):
        return bool(answer == {"v": _value(expression[1])})
    if None in case["variables"].values():
        return isinstance(answer, AbsentOptional)
    return isinstance(answer, TemplateError) and not isinstance(answer, MissingVariable)


def _leaf(document: str) -> str:
    found = json.loads(document)
    return str(found["v"]) if isinstance(found, dict) and "v" in found else ""


def _inserted(tree: Any, variables: dict[str, Any]) -> Any:
    """Return a tree with simple tags replaced by plain text, the way it should be."""
    if isinstance(tree, dict):
        return {key: _inserted(value, variables) for key, value in tree.items()}
    if isinstance(tree, list):
        return [_inserted(value, variables) for value in tree]
    if not isinstance(tree, str):
        return tree
    return re.sub(r"\{\{\s*([^{}]*?)\s*\}\}", lambda tag: variables.get(tag[1], tag[0]), tree)


def _value(source: str) -> str | None:
    try:
        value = program.compile(source).evaluate({}, _ENVIRONMENT)
    except ExprError:
        return None
    return value if isinstance(value, str) else json_text.encode(value)
