"""`expressions/retry`: what follows a failed attempt."""

import re
from typing import Any

from eventflow.engine.core import retry
from eventflow.engine.core.state import Node, NodeType, Phase
from eventflow.errors import UserError

TABLE = "expressions/retry"
NOW = 1_700_000_000.0
DECISIONS = {retry.Again: "run", retry.Wait: "wait", retry.End: "finish"}


def judge(case: dict[str, Any]) -> str | None:
    """Return the difference to what the peer decided, None if there is none."""
    try:
        answer = _decide(case)
    except UserError as error:
        return None if case.get("error") else f"expected {case['outcome']}, refused: {error}"
    if case.get("error"):
        return f"expected an error ({case.get('error_class')}), got {answer}"
    differences = [
        f"{key}: expected {value!r}, got {answer.get(key)!r}"
        for key, value in case["outcome"].items()
        if key in answer and not _same(value, answer.get(key))
    ]
    if differences and case.get("defect") and _ours(case, answer):
        return None
    return "; ".join(differences) or None


def _ours(case: dict[str, Any], answer: dict[str, Any]) -> bool:
    """Whether this is our documented answer: the back-off applies without a limit as well."""
    return answer["decision"] == "wait" and case["retryStrategy"].get("limit") is None


def _same(expected: Any, got: Any) -> bool:
    if isinstance(expected, float | int) and isinstance(got, float | int):
        return abs(expected - got) < 0.001
    return bool(expected == got)


def _decide(case: dict[str, Any]) -> dict[str, Any]:
    attempts = [_node(number, each) for number, each in enumerate(case["attempts"])]
    strategy = case["retryStrategy"]
    ago = case.get("workflow_deadline_seconds_ago")
    now = retry.Circumstances(NOW, case.get("shutdown", ""), None if ago is None else NOW - ago)
    policy = retry.policy_of(strategy)
    if attempts and attempts[-1].phase in (Phase.PENDING, Phase.RUNNING):
        return {"decision": "running", "phase": "Running", "message": "", "policy": policy}
    decision = retry.decide(strategy, attempts, now)
    found: dict[str, Any] = {"decision": DECISIONS[type(decision)], "policy": policy}
    match decision:
        case retry.Again(deadline):
            found["deadline_in_seconds"] = None if deadline is None else deadline - NOW
        case retry.Wait(until, message):
            found |= {"wait_seconds": until - attempts[-1].finished_at, "message": message}
        case retry.End(phase, message):
            found |= {"phase": str(phase), "message": re.sub(r"\d{4}-\d\d-\d\d \S+ \S+ UTC", "<time>", message)}
    return found


def _node(number: int, each: dict[str, Any]) -> Node:
    finished = each.get("finished_seconds_ago")
    outputs = {"exitCode": each["exitCode"]} if "exitCode" in each else None
    return Node(
        number,
        f"wf({number})",
        f"wf-{number}",
        f"({number})",
        NodeType.POD,
        Phase(each["phase"]),
        message=each.get("message", ""),
        outputs=outputs,
        started_at=NOW - each.get("started_seconds_ago", 0),
        finished_at=0.0 if finished is None else NOW - finished,
        daemoned=bool(each.get("daemoned")),
    )
