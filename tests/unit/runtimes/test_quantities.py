"""Kubernetes' quantities."""

from decimal import Decimal

import pytest

from eventflow.errors import UserError
from eventflow.runtimes.quantities import in_units, parse


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("1", "1"),
        ("500m", "0.5"),
        ("1Ki", "1024"),
        ("1.5Gi", "1610612736"),
        ("1e3", "1000"),
        ("2k", "2000"),
        (".5", "0.5"),
    ],
)
def test_parse(text: str, number: str) -> None:
    assert parse(text) == Decimal(number)


@pytest.mark.parametrize("text", ["", "x", "1Q", "1 Gi", "Mi", "1e"])
def test_what_is_no_quantity(text: str) -> None:
    with pytest.raises(UserError, match="no quantity"):
        parse(text)


def test_units_are_rounded_up() -> None:
    assert in_units("1500m", "1") == "2"
    assert in_units("1Gi", "1Mi") == "1024"
