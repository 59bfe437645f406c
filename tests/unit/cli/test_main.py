"""The command line starts fast, knows its commands without importing them, and tells errors without tracebacks."""

import subprocess
import sys
import time

import click
import pytest

from eventflow.cli import failures
from eventflow.cli.main import COMMANDS, eventflow, invoke
from eventflow.errors import InvariantError, Location, NotFound, TemporaryError, UserError

HEAVY = ("aiohttp", "rich", "pydantic", "yaml", "celpy", "asyncio", "eventflow.engine", "eventflow.store", "orjson")


def test_help_takes_less_than_200_ms() -> None:
    taken = []
    for _ in range(5):
        began = time.perf_counter()
        subprocess.run([sys.executable, "-m", "eventflow", "--help"], check=True, capture_output=True)
        taken.append(time.perf_counter() - began)
    floor = []
    for _ in range(3):
        began = time.perf_counter()
        subprocess.run([sys.executable, "-c", "import click"], check=True, capture_output=True)
        floor.append(time.perf_counter() - began)
    assert min(taken) < max(0.2, 1.5 * min(floor))


def test_help_imports_nothing_heavy() -> None:
    code = "import sys\nfrom eventflow.cli.main import invoke\ninvoke(['--help'])\nprint(*sys.modules, file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert not [name for name in HEAVY if name in done.stderr.split()]


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_is_there_and_has_help(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    command = eventflow.get_command(click.Context(eventflow), name)
    assert command is not None
    assert command.help
    assert invoke([name, "--help"]) == 0
    assert "Usage: eventflow" in capsys.readouterr().out


def test_a_misspelt_command_is_pointed_out(capsys: pytest.CaptureFixture[str]) -> None:
    assert invoke(["sumbit"]) == 2
    assert 'did you mean "submit"?' in capsys.readouterr().err


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (UserError("no", location=Location("f.yaml", 3, 4), hint="try"), "f.yaml:3:4: error: no\n  hint: try"),
        (NotFound("gone"), "error: gone"),
        (TemporaryError("busy"), "error: busy\n  hint: try again"),
        (FileNotFoundError(2, "No such file or directory", "x"), "error: x: No such file or directory"),
        (InvariantError("impossible"), None),
        (ValueError("a defect"), None),
    ],
)
def test_errors_have_place_reason_and_hint(error: Exception, text: str | None) -> None:
    assert failures.text_of(error) == text


def test_no_server_is_told(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EVENTFLOW_SERVER", "http://127.0.0.1:1")
    assert invoke(["list"]) == 2
    told = capsys.readouterr().err
    assert "there is no server at http://127.0.0.1:1" in told
    assert "eventflow dev" in told
