"""Databases to run the store's contract on, and samples to put in them."""

import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import asyncpg

from eventflow.model.event import Event
from eventflow.store.workflows import NewWorkflow

CHECKOUT = Path(__file__).parents[2]
POSTGRES = os.environ.get("TEST_POSTGRES", "")
DATABASE = f"eventflow_test_{os.getpid()}"


def event(key: object, *, body: bytes = b"{}", at: float = 1000.0, **changes: Any) -> Event:
    """An event that differs from others only by its key, unless said otherwise."""
    usual = Event(
        id=f"id-{key}", key=str(key), data_bytes=body, received_at=at,
        source="/hooks", type="push", source_name="hooks", event_name="push",
    )  # fmt: skip
    return replace(usual, **changes)


def workflow(name: str, *, namespace: str = "default", at: float = 1000.0, firing: str | None = None) -> NewWorkflow:
    """A workflow whose uid follows from its name."""
    return NewWorkflow(
        f"uid-{namespace}-{name}", namespace, name, b"manifest", at, b"definition", b"state", firing=firing
    )


def url_of(database: str) -> str:
    """The URL of another database on the test server."""
    return urlsplit(POSTGRES)._replace(path=f"/{database}").geturl()


async def administer(*statements: str, database: str = "postgres") -> None:
    """Run statements outside a transaction."""
    connect: Any = asyncpg.connect
    connection = await connect(url_of(database))
    try:
        for statement in statements:
            await connection.execute(statement)
    finally:
        await connection.close()


async def empty_postgres() -> str:
    """Make this process's test database anew and return its URL."""
    await administer(f"DROP DATABASE IF EXISTS {DATABASE} WITH (FORCE)", f"CREATE DATABASE {DATABASE}")
    return url_of(DATABASE)


async def clear_postgres() -> None:
    """Empty the tables of this process's test database, its schema kept."""
    await administer(
        """
        DO $$ DECLARE names TEXT; BEGIN
          SELECT string_agg(tablename, ', ') INTO names FROM pg_tables
          WHERE schemaname = 'public' AND tablename NOT IN ('schema_migrations', 'shards');
          EXECUTE 'TRUNCATE ' || names || ' RESTART IDENTITY';
        END $$
        """,
        "UPDATE shards SET owner = NULL, epoch = 0, expires = 0",
        database=DATABASE,
    )


def child_environment(**variables: str) -> dict[str, str]:
    """The environment in which another Python process finds eventflow and this module."""
    path = os.pathsep.join([str(CHECKOUT), str(Path(__file__).parent)])
    return {**os.environ, "PYTHONPATH": path, **variables}


def child_command(module: str, *arguments: str) -> list[str]:
    """The command that runs a module beside this one in another process."""
    return [sys.executable, str(Path(__file__).parent / f"{module}.py"), *arguments]
