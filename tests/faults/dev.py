"""`eventflow dev` as a process: what a user starts, and what answers users."""

import http.client
import os
import re
import resource
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from tests.faults.process import ROOT

TABLES = ("events", "event_conflicts", "deliveries", "firings", "outbox", "objects", "object_versions", "workflows")
_PROGRAM = [sys.executable, "-c", "import sys; from eventflow.cli.main import main; sys.exit(main())", "dev"]
_QUICK = {"EVENTFLOW_SERVER_HEADER_TIMEOUT": "1", "EVENTFLOW_SERVER_BODY_TIMEOUT": "2"}


@dataclass(frozen=True)
class Answer:
    """What the server said."""

    status: int
    text: str


@dataclass(frozen=True)
class Dev:
    """A running `eventflow dev`."""

    process: subprocess.Popen[str]
    data: Path
    port: int

    def send(
        self,
        path: str,
        body: bytes | Iterable[bytes] | None = None,
        headers: Mapping[str, str] | None = None,
        method: str = "POST",
    ) -> Answer:
        """Send one request; an iterable body is sent in chunks, without a length."""
        with closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)) as connection:
            chunked = body is not None and not isinstance(body, bytes)
            with suppress(BrokenPipeError, ConnectionResetError):  # refused while it was sent; the answer is there
                connection.request(method, path, body, dict(headers or {}), encode_chunked=chunked)
            response = connection.getresponse()
            return Answer(response.status, response.read().decode())

    def apply(self, manifest: str) -> Answer:
        """Store objects as `eventflow apply` does."""
        return self.send("/api/v1/objects?namespace=default&file=given.yaml", manifest.encode())

    def rows(self) -> dict[str, int]:
        """Return how many rows each table has."""
        with closing(sqlite3.connect(f"file:{self.data}/eventflow.db?mode=ro", uri=True)) as connection:
            count = "SELECT count(*) FROM "
            return {table: connection.execute(count + table).fetchone()[0] for table in TABLES}


def command(data: Path, *paths: Path, port: int = 0) -> list[str]:
    """Return the command line of a server of a data directory."""
    return [*_PROGRAM, *map(str, paths), "--port", str(port), "--data", str(data)]


@contextmanager
def running(
    data: Path, manifest: str, *, largest_file: int | None = None, settings: Mapping[str, str] | None = None
) -> Iterator[Dev]:
    """Run a server with some objects. `largest_file` in bytes is what the kernel lets its files grow to."""
    given = data.with_name(f"{data.name}.yaml")
    given.write_text(manifest)
    environment = {**os.environ, **_QUICK, **(settings or {})}
    log = data.with_name(f"{data.name}.log")
    with log.open("w") as errors:
        process = subprocess.Popen(
            command(data, given),
            cwd=ROOT,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            preexec_fn=None if largest_file is None else _limited(largest_file),
        )
    with process:
        try:
            assert process.stdout is not None
            for line in process.stdout:
                if found := re.search(r"ready at http://127\.0\.0\.1:(\d+)", line):
                    yield Dev(process, data, int(found[1]))
                    break
            else:
                raise AssertionError(f"the server did not start:\n{log.read_text()}")
        finally:
            process.send_signal(signal.SIGTERM)
            process.stdout.read() if process.stdout else None
            process.wait(30)


def _limited(size: int) -> Callable[[], None]:
    def limit() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))

    return limit
