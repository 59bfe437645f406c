"""Migrating a PostgreSQL database: one replica at a time, each migration in a transaction of its own."""

from typing import Any

import asyncpg

from eventflow.errors import UserError
from eventflow.failpoints import failpoint
from eventflow.store import schema

OLDEST = 13
# Any number that other programs do not use: "eventflo" in ASCII.
LOCK = 0x6576656E74666C6F


async def migrate(url: str) -> None:
    """Bring the schema up to date. Waits for a replica that is doing so. Raises UserError as `schema.missing` does."""
    connect: Any = asyncpg.connect
    connection = await connect(url, timeout=10.0)
    try:
        if connection.get_server_version().major < OLDEST:
            raise UserError(f"PostgreSQL {OLDEST} or newer is needed", hint="upgrade the server")
        await connection.execute("SELECT pg_advisory_lock($1)", LOCK)
        await _migrate(connection)
    finally:
        # Closing the session gives the lock up.
        await connection.close()


async def _migrate(connection: Any) -> None:
    await connection.execute(
        "CREATE TABLE IF NOT EXISTS schema_migrations (number BIGINT PRIMARY KEY, name TEXT NOT NULL,"
        " checksum TEXT NOT NULL, applied_at DOUBLE PRECISION NOT NULL)"
    )
    applied = {row[0]: row[1] for row in await connection.fetch("SELECT number, checksum FROM schema_migrations")}
    for step in schema.missing(schema.migrations("postgres"), applied, "the PostgreSQL database"):
        async with connection.transaction():
            for statement in step.statements():
                await connection.execute(statement)
            await connection.execute(
                "INSERT INTO schema_migrations (number, name, checksum, applied_at)"
                " VALUES ($1, $2, $3, extract(epoch FROM clock_timestamp())::double precision)",
                *(step.number, step.name, step.checksum),
            )
            failpoint("store.before-migration")
