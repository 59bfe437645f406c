"""Migrations: numbered SQL files of each dialect, applied once, in order, and remembered with a checksum."""

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Literal

from eventflow.errors import UserError

DialectName = Literal["sqlite", "postgres"]

_FILE = re.compile(r"(\d{4})_(\w+)\.sql")


@dataclass(frozen=True, slots=True)
class Migration:
    """One step of the schema; `checksum` is the SHA-256 of its text."""

    number: int
    name: str
    sql: str

    @property
    def checksum(self) -> str:
        return hashlib.sha256(self.sql.encode()).hexdigest()

    def statements(self) -> Iterator[str]:
        """The statements one by one: each ends with a semicolon at the end of a line."""
        for text in self.sql.split(";\n"):
            statement = re.sub(r"^\s*--.*$", "", text, flags=re.MULTILINE).strip()
            if statement:
                yield statement


@cache
def migrations(dialect: DialectName) -> tuple[Migration, ...]:
    """Return the packaged migrations of a dialect, numbered from 1 without gaps."""
    folder = resources.files("eventflow.store") / "migrations" / dialect
    found = [(_FILE.fullmatch(file.name), file) for file in folder.iterdir()]
    steps = [Migration(int(match[1]), match[2], file.read_text("utf-8")) for match, file in found if match]
    return tuple(sorted(steps, key=lambda step: step.number))


def missing(known: Sequence[Migration], applied: Mapping[int, str], database: str) -> list[Migration]:
    """Return the migrations still to apply, given the checksums of those applied by number.

    Raises UserError when the database was made by a newer eventflow or by another text of the same migration.
    """
    newest = known[-1].number
    if applied and max(applied) > newest:
        raise UserError(
            f"{database} has schema {max(applied)}, and this eventflow knows schemas up to {newest}",
            hint="run the eventflow version that wrote it, or a newer one",
        )
    for step in known:
        if applied.get(step.number, step.checksum) != step.checksum:
            raise UserError(
                f"migration {step.number:04} ({step.name}) of {database} differs from the one in this eventflow",
                hint="the database was made by a development build or edited; restore a backup or start a new one",
            )
    return [step for step in known if step.number not in applied]
