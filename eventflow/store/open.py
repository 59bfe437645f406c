"""From a URL to a store."""

from pathlib import Path
from urllib.parse import unquote, urlsplit

from eventflow.clock import Clock
from eventflow.errors import UserError
from eventflow.store.contract import Store


def open_store(url: str, clock: Clock | None = None, connections: int | None = None) -> Store:
    """Return the store for `sqlite:///path` (four slashes for an absolute path) or `postgresql://user@host/database`.

    `connections` to PostgreSQL are made at most, 16 unless given.
    It is opened by `async with`. Raises UserError on another URL or a missing driver.
    """
    scheme, _, rest = url.partition("://")
    if scheme == "sqlite":
        return _sqlite(url, rest, clock)
    if scheme in ("postgresql", "postgres"):
        return _postgres(url, connections)
    raise UserError(
        f"{_public(url)!r} names no store that eventflow knows",
        hint="use sqlite:///path/to/file.db or postgresql://user:password@host/database",
    )


def _sqlite(url: str, rest: str, clock: Clock | None) -> Store:
    path = unquote(rest.removeprefix("/"))
    if not rest.startswith("/") or not path or path == ":memory:":
        raise UserError(
            f"{url!r} names no file", hint="sqlite:///eventflow.db is beside you, sqlite:////var/lib/e.db not"
        )
    from eventflow.store.sqlite import SqliteStore

    return SqliteStore(Path(path), clock)


def _postgres(url: str, connections: int | None) -> Store:
    try:
        from eventflow.store.postgres import PostgresStore
    except ModuleNotFoundError as error:
        if error.name != "asyncpg":
            raise
        raise UserError("PostgreSQL needs asyncpg", hint="pip install 'eventflow[postgres]'") from error
    return PostgresStore(url) if connections is None else PostgresStore(url, connections)


def _public(url: str) -> str:
    """The URL without what may be a password."""
    return urlsplit(url)._replace(netloc="…").geturl() if "@" in url else url
