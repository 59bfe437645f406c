"""Judge of expressions/conditions: when resource and HTTP templates succeed."""

import json
from typing import Any

from eventflow.errors import UserError
from eventflow.expressions import success
from eventflow.expressions.selector import SelectorError
from eventflow.model.document import Document

TABLE = "expressions/conditions"


def judge(case: dict[str, Any]) -> str | None:
    """Return None where the case holds, or where ours is the documented answer to a defect, else what differs."""
    try:
        outcome = _resource(case) if case["kind"] == "resource" else _http(case)
    except UserError as error:
        kind = "syntax" if isinstance(error, SelectorError) else "expression"
        if case.get("error_class") == kind:
            return None
        return f"refused with {kind} ({error}), expected {case.get('error_class') or case['outcome']}"
    if case.get("defect"):
        return None
    if case.get("error"):
        return f"gives {outcome}, expected {case['error_class']}: {case['error_text']}"
    return None if outcome == case["outcome"] else f"gives {outcome}, expected {case['outcome']}"


def _resource(case: dict[str, Any]) -> dict[str, Any]:
    text = case["object_text"] if "object_text" in case else json.dumps(case.get("object"), ensure_ascii=False)
    if isinstance(case.get("object"), str) and "object_text" not in case:
        text = case["object"]
    outcome = success.resource(case["successCondition"], case["failureCondition"], Document(text))
    return {"decision": outcome.decision, **({"message": outcome.message} if outcome.message else {})}


def _http(case: dict[str, Any]) -> dict[str, Any]:
    template, response = case["http"], case["response"]
    sent: dict[str, list[str]] = {}
    for header in template.get("headers") or ():
        sent.setdefault(header["name"], []).append(header["value"])
    exchange = success.Exchange(
        template.get("method") or "",
        template["url"],
        sent,
        template.get("body") or "",
        response["status"],
        {name: [value] for name, value in response["headers"].items()},
        response["body"],
    )
    phase, message = success.http(template.get("successCondition") or "", exchange, 1_700_000_000.0)
    return {"phase": phase, "message": message, "result": response["body"]}
