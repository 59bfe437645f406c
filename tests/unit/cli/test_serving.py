"""What the servers of the command line log."""

import logging
from collections.abc import Iterator

import pytest

from eventflow.cli import serving
from eventflow.settings import Settings, Telemetry


@pytest.fixture
def _logging() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.captureWarnings(False)


@pytest.mark.usefixtures("_logging")
@pytest.mark.parametrize(
    ("form", "people", "json"),
    [("auto", True, False), ("auto", False, True), ("json", True, True), ("console", False, False)],
)
def test_dev_logs_for_people_unless_told_otherwise(
    form: str, people: bool, json: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    serving._log(Settings(telemetry=Telemetry(log_format=form)), people=people)  # type: ignore[arg-type]
    logging.getLogger("eventflow.test").info("said")
    told = capsys.readouterr().err
    assert "said" in told
    assert told.startswith("{") == json
