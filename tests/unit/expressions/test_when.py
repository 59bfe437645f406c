"""govaluate, in `when` and with parameters."""

from typing import Any

import pytest

from eventflow.expressions.errors import WhenError
from eventflow.expressions.govaluate import expression
from eventflow.expressions.govaluate.errors import GovaluateError, GovaluateSyntaxError
from eventflow.expressions.when import evaluate_when


@pytest.mark.parametrize(
    ("condition", "holds"),
    [
        ("", True),
        ("heads == heads", True),
        ('heads == "heads"', True),
        ("1.50 == 1.5", True),
        ('"10" > "9"', False),
        ("2024-01-01 == 2024-01-01", True),
        ("a == b || c == c && d == e", False),
        ("!(heads == tails)", True),
        ("5 & 1 == 1", True),
        ("10 - 1 - 2 - 3 == 4", True),
        ("2 ** 3 ** 2 == 64", True),
        ("a in (a, b)", True),
        ("heads =~ 'ads$'", True),
        ("true ? false : true", False),
        ("a\\-b == a\\-b", True),
        ("'2024-01-02' > '2024-01-01'", True),
        ("(true)(false)", True),
    ],
)
def test_conditions(condition: str, holds: bool) -> None:
    assert evaluate_when(condition) is holds


@pytest.mark.parametrize(
    ("condition", "reason"),
    [
        (" ", "Unexpected end"),
        ("heads", "got heads"),
        ("a-b == a-b", "cannot be used"),
        ("a.b == a.b", "unexported"),
        ("== heads", "cannot follow"),
        ("{{x}} == y", "Invalid token"),
        ('"heads" == "heads', "Unclosed string"),
        ("true)", "Unbalanced"),
        ('heads =~ "("', "missing"),
        ("len(a) == 1", "Undefined function len"),
        ("true && x", "not a bool"),
        ("!a", "cannot follow"),
        ("a\\", "backslash"),
        ("(" * 200 + "a" + ")" * 200, "parentheses"),
    ],
)
def test_what_is_no_condition(condition: str, reason: str) -> None:
    with pytest.raises(WhenError, match=reason):
        evaluate_when(condition)


def test_parameters_are_numbers_texts_and_lists() -> None:
    parameters: dict[str, Any] = {"count": 3, "name": "push", "ok": True, "tags": ["a", "b"], "my key": 1}
    for source, value in (
        ("count + 1", 4.0),
        ('name + "-" + count', "push-3"),
        ("ok && count > 2", True),
        ("'a' in tags", True),
        ("[my key] == 1", True),
        ("ok ? name : 0", "push"),
        ("count, name", [3.0, "push"]),
    ):
        assert expression.compile(source).evaluate(parameters) == value
    assert expression.compile("count + [my key]").names == {"count", "my key"}


def test_unknown_parameters_and_wrong_kinds_fail() -> None:
    for source in ("nope == 1", "name > 1", "count.X == 1", "name && ok", "count =~ 'a'", "count in name"):
        with pytest.raises(GovaluateError):
            expression.compile(source).evaluate({"count": 3, "name": "push", "ok": True})


def test_short_circuits_spare_the_right_side() -> None:
    assert expression.compile("ok || nope").evaluate({"ok": True}) is True
    assert expression.compile("ok && nope").evaluate({"ok": False}) is False
    assert expression.compile("x ?? nope").evaluate({"x": 1}) == 1.0


def test_syntax_errors_are_apart() -> None:
    with pytest.raises(GovaluateSyntaxError):
        expression.compile("a b")
