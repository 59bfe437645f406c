"""When a resource template or an HTTP template has succeeded."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from eventflow.expressions import plain_expr, selector
from eventflow.model.document import Document


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a look at a resource says. `wait` means: look again later."""

    decision: Literal["succeed", "fail", "wait"]
    message: str = ""


def resource(success: str, failure: str, document: Document) -> Outcome:
    """Judge an object by the conditions of a resource template (Argo workflow/executor/resource.go).

    Any term of the failure condition is enough to fail; every term of the success condition must hold. Raises
    selector.SelectorError when a condition can not be parsed.
    """
    wanted, fatal = selector.parse(success), selector.parse(failure)
    if not wanted and not fatal:
        return Outcome("succeed")
    if not document.valid:
        return Outcome("fail", "Encountered invalid JSON response when checking resource status. Will not be retried")
    for term in fatal:
        if term.holds(document):
            return Outcome("fail", f"failure condition '{term}' evaluated true")
    return Outcome("succeed" if all(term.holds(document) for term in wanted) else "wait")


@dataclass(frozen=True, slots=True)
class Exchange:
    """A finished HTTP request: what was sent as the template says it, and what came back. Headers map to lists."""

    method: str
    url: str
    sent_headers: Mapping[str, list[str]]
    sent_body: str
    status: int
    headers: Mapping[str, list[str]]
    body: str

    def variables(self) -> dict[str, Any]:
        """Return what a condition sees."""
        return {
            "request": {
                "method": self.method,
                "url": self.url,
                "headers": dict(self.sent_headers),
                "body": self.sent_body,
            },
            "response": {"statusCode": self.status, "headers": dict(self.headers), "body": self.body},
        }


def http(condition: str, exchange: Exchange, now: float = 0.0) -> tuple[Literal["Succeeded", "Failed"], str]:
    """Return the phase and the message of an HTTP template (Argo workflow/executor/http, util/expr/argoexpr).

    Without a condition the status must be 2xx. Raises ExprError when the condition can not be evaluated.
    """
    if not condition:
        if 200 <= exchange.status < 300:
            return "Succeeded", ""
        return "Failed", f"received non-2xx response code: {exchange.status}"
    if plain_expr.evaluate_bool(condition, exchange.variables(), now):
        return "Succeeded", ""
    return "Failed", f"successCondition '{condition}' evaluated false"
