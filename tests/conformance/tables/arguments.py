"""Judge of expressions/arguments: arguments into a template."""

import json
from typing import Any

from eventflow.errors import UserError
from eventflow.expressions import arguments

TABLE = "expressions/arguments"


def judge(case: dict[str, Any]) -> str | None:
    """Return the difference to what Argo did, None if there is none or it is one of the documented ones."""
    answer = _answer(case)
    difference = _compare(case, answer)
    if difference and case.get("defect") and answer == _documented(case):
        return None
    return difference


def _answer(case: dict[str, Any]) -> Any:
    try:
        bound = arguments.bind(
            case["template"], case.get("arguments") or {}, case.get("globals") or {}, case.get("locals") or {}
        )
    except UserError as error:
        return error
    return _without_zeros(bound)


def _compare(case: dict[str, Any], answer: Any) -> str | None:
    if case.get("error"):
        return None if isinstance(answer, UserError) else f"expected an error ({case['error_class']}), got {answer}"
    expected = _without_zeros(case["outcome"]["template"])
    if isinstance(answer, UserError):
        return f"expected {expected}, refused: {answer}"
    return None if answer == expected else f"expected {expected}, got {answer}"


def _without_zeros(value: Any) -> Any:
    """Leave out what Go's structs write although it is empty: {}, null, [] and an empty container name."""
    if isinstance(value, dict):
        members = ((key, _without_zeros(item)) for key, item in value.items())
        return {key: item for key, item in members if item not in ({}, [], None) and (key, item) != ("name", "")}
    return [_without_zeros(item) for item in value] if isinstance(value, list) else value


def _documented(case: dict[str, Any]) -> Any:
    """docs/differences-expressions.md: values are data, and an argument without a value does not hide a default.

    Values are data: with harmless words in the place of what looks like a tag the answer is the same, word by word.
    """
    words: dict[str, str] = {}

    def harmless(value: Any) -> Any:
        if not isinstance(value, str) or not ("{{" in value or not value.isprintable()):
            return value
        return words.setdefault(value, f"word-{len(words)}-")

    given = (case.get("arguments") or {}).get("parameters") or []
    supplied = [each | {"value": harmless(each["value"])} for each in given if "value" in each]
    sources = [each for each in given if "value" not in each and "valueFrom" in each]
    safe = {
        **case,
        "arguments": {**(case.get("arguments") or {}), "parameters": supplied + sources},
        "globals": {key: harmless(value) for key, value in (case.get("globals") or {}).items()},
        "locals": {key: harmless(value) for key, value in (case.get("locals") or {}).items()},
    }
    answer = json.dumps(_answer(safe))
    for value, word in words.items():
        answer = answer.replace(word, json.dumps(value)[1:-1])
    return json.loads(answer)
