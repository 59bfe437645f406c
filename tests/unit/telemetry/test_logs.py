"""Logs: their two forms, the fields of their surroundings, and no secrets in them."""

import asyncio
import base64
import io
import json
import logging
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest

from eventflow.telemetry import logs
from eventflow.telemetry.redaction import Redactor


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def _restored() -> Iterator[None]:
    root = logging.getLogger()
    before = (root.handlers[:], root.level)
    yield
    root.handlers[:], root.level = before
    logging.captureWarnings(False)


def _log(form: logs.Format = "json", level: str = "info", redactor: Redactor | None = None) -> io.StringIO:
    stream = io.StringIO()
    logs.configure(form, level, redactor or Redactor(), stream)
    return stream


def _lines(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_a_json_line_has_time_level_logger_message_and_fields() -> None:
    stream = _log()
    logging.getLogger("eventflow.x").warning("pod %s is %s", "p", "gone", extra={"pod": "p", "attempt": 2})
    (line,) = _lines(stream)
    assert line.pop("time").endswith("Z")
    assert line == {
        "level": "warning",
        "logger": "eventflow.x",
        "message": "pod p is gone",
        "pod": "p",
        "attempt": 2,
    }


def test_below_the_level_nothing_is_written_and_libraries_whisper() -> None:
    stream = _log(level="info")
    logging.getLogger("eventflow").debug("no")
    logging.getLogger("aiokafka").info("no")
    logging.getLogger("aiokafka").error("yes")
    assert [line["message"] for line in _lines(stream)] == ["yes"]


def test_configuring_again_replaces() -> None:
    first, second = _log(), _log()
    logging.getLogger().error("once")
    assert (first.getvalue(), len(_lines(second))) == ("", 1)


async def test_fields_follow_the_task_and_not_its_neighbours() -> None:
    stream = _log()

    async def work(name: str) -> None:
        with logs.about(workflow=name):
            await asyncio.sleep(0)
            with logs.about(node=f"{name}-1"):
                await asyncio.sleep(0)
                logging.getLogger().info("inner")
            logging.getLogger().info("outer")

    await asyncio.gather(work("a"), work("b"))
    logging.getLogger().info("outside")
    seen = [(line["message"], line.get("workflow"), line.get("node")) for line in _lines(stream)]
    assert sorted(seen[:-1]) == [
        ("inner", "a", "a-1"),
        ("inner", "b", "b-1"),
        ("outer", "a", None),
        ("outer", "b", None),
    ]
    assert seen[-1] == ("outside", None, None)


@pytest.mark.parametrize("value", [object(), {1: {"x"}}, 2**70, b"\xff", "\ud800", float("nan")])
def test_any_value_can_be_logged(value: object) -> None:
    stream = _log()
    logging.getLogger().info("m", extra={"value": value})
    (line,) = _lines(stream)
    assert "value" in line


def test_an_error_brings_its_traceback_on_the_same_line() -> None:
    stream = _log()
    try:
        raise ValueError("why")
    except ValueError:
        logging.getLogger().exception("failed")
    (line,) = _lines(stream)
    assert line["error"].startswith("Traceback")
    assert line["error"].endswith("ValueError: why")


def test_the_console_shows_fields_and_spells_out_what_could_lie() -> None:
    stream = _log("console")
    logging.getLogger().info("a\x1b[2Jb\nINFO forged", extra={"name_": "two words", "id": 7})
    assert stream.getvalue()[13:] == 'info  a\\x1b[2Jb\n    INFO forged name_="two words" id=7\n'


def test_auto_means_the_console_on_a_terminal_only() -> None:
    assert isinstance(logs.configure("auto", "info", Redactor(), Terminal()).formatter, logs.ConsoleFormatter)
    assert isinstance(logs.configure("auto", "info", Redactor(), io.StringIO()).formatter, logs.JsonFormatter)


SECRET = 'p@ss/w"ord+ü'


def _encodings() -> dict[str, str]:
    raw = SECRET.encode()
    around = {f"base64 at {offset}": base64.b64encode(b"x" * offset + raw + b"yz").decode() for offset in range(3)}
    urlsafe = base64.urlsafe_b64encode(b"user:" + raw).decode()
    return {"plain": SECRET, "url": quote(SECRET, safe=""), "json": json.dumps(SECRET), "urlsafe": urlsafe, **around}


@pytest.mark.parametrize("form", ["json", "console"])
@pytest.mark.parametrize("name", list(_encodings()))
def test_a_secret_is_masked_in_every_form(form: logs.Format, name: str) -> None:
    redactor = Redactor()
    redactor.add([SECRET])
    stream = _log(form, redactor=redactor)
    hidden = _encodings()[name]
    try:
        raise ValueError(f"in a traceback: {hidden}")
    except ValueError:
        logging.getLogger().exception("in the text: %s", hidden, extra={"field": {"in a field": hidden}})
    written = stream.getvalue()
    assert written.count("***") >= 3
    for text in (
        SECRET,
        json.dumps(SECRET)[1:-1],
        quote(SECRET, safe=""),
        base64.b64encode(SECRET.encode()).decode()[:12],
    ):
        assert text not in written
    if name.startswith("base64"):
        assert hidden[4:-6] not in written


def test_each_line_of_a_key_is_masked_and_short_words_are_not() -> None:
    redactor = Redactor()
    redactor.add(["-----BEGIN KEY-----\nMIIEvQIBADAN\nBgkqhkiG9w0B\n", "abc", ""])
    assert redactor.redact("x MIIEvQIBADAN y BgkqhkiG9w0B abc") == "x *** y *** abc"


def test_the_longest_secret_wins() -> None:
    redactor = Redactor()
    redactor.add(["hunter2"])
    redactor.add(["hunter2-extended"])
    assert redactor.redact("hunter2-extended hunter2") == "*** ***"


def test_without_secrets_text_passes_as_it_is() -> None:
    assert Redactor().redact("anything") == "anything"
