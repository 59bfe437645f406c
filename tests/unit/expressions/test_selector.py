"""Label selectors and success conditions beyond the recorded table."""

import pytest

from eventflow.expressions import plain_expr, selector, success
from eventflow.expressions.expr.errors import ExprError
from eventflow.model.document import Document

JOB = Document.of(
    {
        "metadata": {"labels": {"example.com/team": "core"}},
        "status": {"ratio": 0.5, "conditions": [{"type": "Complete", "status": "True"}]},
    }
)


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ('status.conditions.#(type=="Complete").status == True', True),
        ('status.conditions.#(type=="Failed")', False),
        (r"metadata.labels.example\.com/team in (core, web)", True),
        ("status.ratio > 0", True),
        ("status.ratio < 0", False),
        ("status.nope notin (a),!status.gone", True),
    ],
)
def test_paths_that_labels_can_not_say(text: str, holds: bool) -> None:
    assert all(term.holds(JOB) for term in selector.parse(text)) is holds


@pytest.mark.parametrize(
    "text", ["a in (b c)", "a in (b", "a = b = c", "!", "a >", "a > 1.5", "a == b c", "()", "a notin b"]
)
def test_refuses(text: str) -> None:
    with pytest.raises(selector.SelectorError):
        selector.parse(text)


def test_all_terms_must_hold_and_any_failure_is_enough() -> None:
    assert success.resource("status.ratio == 0.5, status.nope", "", JOB).decision == "wait"
    outcome = success.resource("status.ratio == 0.5", "status.nope, status.ratio < 1", JOB)
    assert outcome == success.Outcome("fail", "failure condition '{status.ratio lt [1]}' evaluated true")


def test_conditions_of_http_know_no_library() -> None:
    exchange = success.Exchange("GET", "http://x", {}, "", 200, {"A": ["b"]}, '{"ok":true}')
    assert success.http('response.headers["A"][0] == "b"', exchange) == ("Succeeded", "")
    for source in ('sprig.upper("a") == "A"', 'toJson(1) == "1"', "1"):
        with pytest.raises(ExprError):
            success.http(source, exchange)
    assert plain_expr.evaluate("upper(x)", {"x": "a"}) == "A"
