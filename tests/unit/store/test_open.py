"""URLs name stores; others are refused with the next thing to try and without a password."""

import sys

import pytest

from eventflow.errors import UserError
from eventflow.store.open import open_store


@pytest.mark.parametrize(
    "url", ["mysql://root:secret@host/db", "eventflow.db", "", "sqlite://host/x", "sqlite:///", "sqlite:///:memory:"]
)
def test_what_is_no_store_is_refused(url: str) -> None:
    with pytest.raises(UserError) as caught:
        open_store(url)
    assert "secret" not in str(caught.value)
    assert "sqlite:///" in str(caught.value)


@pytest.mark.parametrize(
    ("url", "path"),
    [("sqlite:///a%20b.db", "a b.db"), ("sqlite:////var/e.db", "/var/e.db"), ("sqlite:///x/y.db", "x/y.db")],
)
def test_a_path_is_relative_unless_it_has_a_fourth_slash(url: str, path: str) -> None:
    assert vars(open_store(url))["_path"].as_posix() == path


def test_a_missing_driver_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "asyncpg", None)
    monkeypatch.delitem(sys.modules, "eventflow.store.postgres", raising=False)
    monkeypatch.delitem(sys.modules, "eventflow.store.postgres_errors", raising=False)
    with pytest.raises(UserError, match=r"pip install 'eventflow\[postgres\]'"):
        open_store("postgresql://host/db")


def test_the_pool_is_as_large_as_set() -> None:
    pytest.importorskip("asyncpg")
    assert vars(open_store("postgresql://host/db", connections=3))["_connections"] == 3
