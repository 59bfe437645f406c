"""Judge of expressions/loop: withItems, withParam and withSequence."""

import re
from typing import Any

from eventflow.errors import UserError
from eventflow.expressions import loop
from eventflow.expressions.errors import LoopError

TABLE = "expressions/loop"


def judge(case: dict[str, Any]) -> str | None:
    """Return the difference to what Argo did, None if there is none or it is one of the documented ones."""
    answer = _answer(case)
    difference = _compare(case, answer)
    if difference and case.get("defect") and _is_documented(case, answer):
        return None
    return difference


def _answer(case: dict[str, Any]) -> Any:
    try:
        return [_reduce(task) for _, task in loop.expand(case["task"], case.get("variables") or {})]
    except UserError as error:
        return error


def _reduce(task: dict[str, Any]) -> dict[str, Any]:
    parameters = (task.get("arguments") or {}).get("parameters") or []
    reduced = {"name": task["name"], "arguments": {each["name"]: each.get("value") for each in parameters}}
    return reduced | {"when": task["when"]} if "when" in task else reduced


def _compare(case: dict[str, Any], answer: Any) -> str | None:
    if case.get("error"):
        return None if isinstance(answer, UserError) else f"expected an error ({case['error_class']}), got {answer}"
    expected = case["outcome"]["expanded"]
    if isinstance(answer, UserError):
        return f"expected {expected}, refused: {answer}"
    return None if answer == expected else f"expected {expected}, got {answer}"


def _is_documented(case: dict[str, Any], answer: Any) -> bool:
    """docs/differences-expressions.md: names show characters, a sequence that makes no sense is refused."""
    if case["task"].get("withSequence") is not None:
        return isinstance(answer, LoopError)
    return isinstance(answer, list) and _readable(answer) == _readable(case["outcome"]["expanded"])


def _readable(expanded: list[dict[str, Any]]) -> list[dict[str, Any]]:
    def decode(name: str) -> str:
        return re.sub(r"\\u([0-9a-f]{4})", lambda code: chr(int(code[1], 16)), name)

    return [each | {"name": decode(each["name"])} for each in expanded]
