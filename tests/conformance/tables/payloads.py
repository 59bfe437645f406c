"""Judge of events/payloads: the status and the events that an HTTP request gives.

Texts of answers are not compared. Three answers of ours are documented differences beyond the lines marked as defects
(docs/differences-events.md): a body that is too large gives 413; `<`, `>` and `&` in a body are not respelled as
escapes; Bitbucket Server's split events keep the sender's members instead of a fixed set.
"""

import json
import re
from typing import Any

from eventflow.sources.payloads import shapes, verify
from eventflow.sources.payloads.request import NOT_RECORDED, Answer, Request, Surroundings
from tests.conformance import event_fixtures

TABLE = "events/payloads"
_NOW = 1_700_000_000.0
_ESCAPE = re.compile(r"\\u(003[ce]|0026|202[89])")


def judge(case: dict[str, Any]) -> str | None:
    """Return None where status and events agree, or where ours is the documented answer, else what differs."""
    answer = _answer(case)
    expected = case["outcome"]
    difference = _difference(answer, expected)
    if difference is None or _documented(case, answer):
        return None
    return difference


def _difference(answer: Answer, expected: dict[str, Any]) -> str | None:
    if answer.status != expected["status"]:
        return f"status {answer.status} ({answer.text}), expected {expected['status']} ({expected['body']})"
    if "events" in expected:
        events = [json.loads(event.data) for event in answer.events]
        if not event_fixtures.same(events, expected["events"]):
            return f"events {json.dumps(events)}, expected {json.dumps(expected['events'])}"
    for event, text in (
        zip(answer.events, expected.get("event_texts", []), strict=True) if "event_texts" in expected else ()
    ):
        if event.data != _ESCAPE.sub(lambda match: chr(int(match.group(1), 16)), text):
            return f"text {event.data}, expected {text}"
    return None


def _documented(case: dict[str, Any], answer: Answer) -> bool:
    if "too large" in case["outcome"]["body"]:
        return answer.status == 413
    if not case.get("defect"):
        return False
    return (answer.status in (400, 401, 405, 413) and not answer.events) or _accepts_more(case, answer)


def _accepts_more(case: dict[str, Any], answer: Answer) -> bool:
    """Whether a defect is answered by taking the request and keeping all of it."""
    expected = case["outcome"]
    if answer.status != 200 or not answer.events:
        return False
    if not expected.get("events"):
        return expected["status"] in (400, 404, 500)
    ours = [json.loads(event.data) for event in answer.events]
    return len(ours) == len(expected["events"]) and all(
        _within(theirs, own) or "changes" in str(theirs) for theirs, own in zip(expected["events"], ours, strict=True)
    )


def _within(part: Any, whole: Any) -> bool:
    if isinstance(part, dict) and isinstance(whole, dict):
        return all(name in whole and _within(value, whole[name]) for name, value in part.items())
    return event_fixtures.same(part, whole)


def _answer(case: dict[str, Any]) -> Answer:
    request = case["request"]
    body = (request.get("body") or "").encode() * request.get("body_repeat", 1)
    headers = [(name, value) for name, value in request["headers"]]
    if "body" in request:
        headers.append(("Content-Length", str(len(body))))
    headers += _signature(case.get("slack_signature"), body)
    secrets = case.get("secrets") or {}
    around = Surroundings(lambda name, key: secrets.get(name, {}).get(key), _NOW)
    source = case["source"]
    answer = shapes.respond(
        source["type"], source["config"], Request(request["method"], request["path"], tuple(headers), body), around
    )
    return NOT_RECORDED if case.get("bus_fails") and answer.events else answer


def _signature(given: dict[str, Any] | None, body: bytes) -> list[tuple[str, str]]:
    if given is None:
        return []
    timestamp = str(int(_NOW - given["age_seconds"]))
    secret = given["secret"] + ("x" if given.get("wrong") else "")
    digest = verify.digest(secret, f"v0:{timestamp}:".encode() + body).hex()
    return [("X-Slack-Request-Timestamp", timestamp), ("X-Slack-Signature", f"v0={digest}")]
