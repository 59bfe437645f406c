"""Every contract's suite gets its subject from here."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from eventflow.store.contract import Store
from eventflow.store.open import open_store
from tests.contracts.store_backends import DATABASE, POSTGRES, administer, clear_postgres, empty_postgres, url_of

NO_POSTGRES = "set TEST_POSTGRES=postgresql://user@host/postgres to run this against PostgreSQL"


@pytest.fixture(scope="session")
def postgres_database() -> Iterator[str]:
    """The URL of a migrated PostgreSQL database of this test run's own."""
    if not POSTGRES:
        pytest.skip(NO_POSTGRES)

    async def prepare() -> str:
        url = await empty_postgres()
        async with open_store(url):
            return url

    yield asyncio.run(prepare())
    asyncio.run(administer(f"DROP DATABASE IF EXISTS {DATABASE} WITH (FORCE)"))


@pytest.fixture(params=["sqlite", "postgres"])
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty database of either kind."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/eventflow.db"
    url: str = request.getfixturevalue("postgres_url")
    return url


@pytest.fixture(params=["sqlite", "postgres"])
def fresh_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a database of either kind that was never opened."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/eventflow.db"
    url: str = request.getfixturevalue("fresh_postgres")
    return url


@pytest.fixture
def fresh_postgres() -> Iterator[str]:
    """The URL of a PostgreSQL database without a table."""
    if not POSTGRES:
        pytest.skip(NO_POSTGRES)
    name = f"{DATABASE}_fresh"
    asyncio.run(administer(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)", f"CREATE DATABASE {name}"))
    yield url_of(name)
    asyncio.run(administer(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)"))


@pytest.fixture
def postgres_url(postgres_database: str) -> str:
    """The URL of an empty, migrated PostgreSQL database."""
    asyncio.run(clear_postgres())
    return postgres_database


@pytest.fixture
async def postgres_store(postgres_url: str) -> AsyncIterator[Store]:
    """An open, empty PostgreSQL store."""
    async with open_store(postgres_url) as opened:
        yield opened


@pytest.fixture
async def store(store_url: str) -> AsyncIterator[Store]:
    """An open, empty store of either kind."""
    async with open_store(store_url) as opened:
        yield opened
