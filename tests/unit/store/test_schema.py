"""Migrations are numbered, equal in both dialects, and refuse what they do not know."""

import re

import pytest

from eventflow.errors import UserError
from eventflow.store import schema

KNOWN = [schema.Migration(1, "a", "SELECT 1;\n"), schema.Migration(2, "b", "SELECT 2;\n")]
FIRST, SECOND = (step.checksum for step in KNOWN)


@pytest.mark.parametrize("dialect", ["sqlite", "postgres"])
def test_packaged_migrations_count_from_one(dialect: schema.DialectName) -> None:
    numbers = [step.number for step in schema.migrations(dialect)]
    assert numbers == list(range(1, len(numbers) + 1))
    assert numbers


def test_both_dialects_have_the_same_tables_columns_and_indexes() -> None:
    assert layout("sqlite") == {name: [c for c in columns if c != "tx"] for name, columns in layout("postgres").items()}


def layout(dialect: schema.DialectName) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for step in schema.migrations(dialect):
        for statement in step.statements():
            if table := re.match(r"CREATE TABLE (\w+) \((.*)\)", statement, re.DOTALL):
                found[table[1]] = re.findall(r"^  ([a-z]\w*) ", table[2], re.MULTILINE)
            elif index := re.match(r"CREATE (?:UNIQUE )?INDEX (\w+) ON (.*)", statement, re.DOTALL):
                found[index[1]] = [index[2]]
    return found


def test_statements_are_split_at_line_ends_and_comments_dropped() -> None:
    step = schema.Migration(1, "a", "-- why; because\nCREATE x (\n  a -- b\n);\n\nINSERT 'a; b';\n")
    assert list(step.statements()) == ["CREATE x (\n  a -- b\n)", "INSERT 'a; b'"]


@pytest.mark.parametrize(
    ("applied", "expected"),
    [({}, [1, 2]), ({1: FIRST}, [2]), ({1: FIRST, 2: SECOND}, [])],
)
def test_what_is_missing_is_applied_in_order(applied: dict[int, str], expected: list[int]) -> None:
    assert [step.number for step in schema.missing(KNOWN, applied, "db")] == expected


@pytest.mark.parametrize(
    ("applied", "message"),
    [({1: FIRST, 2: SECOND, 3: "x"}, "has schema 3.*up to 2"), ({1: "edited"}, "migration 0001 .*differs")],
)
def test_a_foreign_schema_is_refused(applied: dict[int, str], message: str) -> None:
    with pytest.raises(UserError, match=message):
        schema.missing(KNOWN, applied, "db")
