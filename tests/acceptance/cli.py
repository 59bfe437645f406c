"""Runs `eventflow` as a subprocess, alone or against a server of its own."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import orjson

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True)
class Done:
    """What a command did."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> dict[str, object]:
        """Standard output as the one JSON object that it must be."""
        found: dict[str, object] = orjson.loads(self.out)
        return found


def environment(**more: str) -> dict[str, str]:
    """Return this environment without settings of eventflow."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("EVENTFLOW_")}
    return {**kept, "PYTHONPATH": str(ROOT), "COVERAGE_PROCESS_START": "", **more}


def run(*arguments: str | Path, cwd: Path, server: str = "", stdin: str = "", timeout: float = 60) -> Done:
    """Run a command to its end."""
    done = subprocess.run(
        [sys.executable, "-m", "eventflow", *map(str, arguments)],
        cwd=cwd,
        env=environment(**({"EVENTFLOW_SERVER": server} if server else {})),
        input=stdin,
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )
    assert "Traceback" not in done.stderr, done.stderr
    return Done(done.returncode, done.stdout, done.stderr)


@contextmanager
def dev(*arguments: str | Path, cwd: Path) -> Iterator[tuple[str, str]]:
    """Run `eventflow dev` on a free port; give its URL and what it announced."""
    errors = (cwd / "dev.err").open("w")
    process = subprocess.Popen(
        [sys.executable, "-m", "eventflow", "dev", *map(str, arguments), "--port", "0"],
        cwd=cwd,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=errors,
        text=True,
    )
    assert process.stdout is not None
    try:
        told: list[str] = []
        while not (told and told[-1].startswith("  export")):
            line = process.stdout.readline()
            assert line, (cwd / "dev.err").read_text()
            told.append(line)
        url = re.search(r"http://\S+", told[0])
        assert url is not None
        yield url[0], "".join(told)
    finally:
        process.terminate()
        process.wait(30)
        process.stdout.close()
        errors.close()
