"""SQL is translated into each dialect, and nothing slips through."""

import pytest

from eventflow.errors import InvariantError
from eventflow.store import postgres, sqlite_statements
from eventflow.store.dialect import Dialect

DIALECT = Dialect({"one": "1", "both": "[{0}]"}, r"?\1")


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("SELECT $1, $12", "SELECT ?1, ?12"),
        ("SELECT {%one%}, {% one %}", "SELECT 1, 1"),
        ("x IN {%both $2%}", "x IN [?2]"),
        ("SELECT 'a % b'", "SELECT 'a % b'"),
    ],
)
def test_tokens_and_placeholders_are_replaced(sql: str, expected: str) -> None:
    assert DIALECT.translate(sql) == expected


def test_an_unknown_token_is_a_defect() -> None:
    with pytest.raises(InvariantError, match="nosuch"):
        DIALECT.translate("SELECT {%nosuch%}")


def test_both_databases_know_the_same_tokens() -> None:
    assert sqlite_statements.TOKENS.keys() == postgres.TOKENS.keys()
