"""Logs: the standard library's, as JSON lines or for people, with the workflow, node and event they are about.

    with logs.about(workflow="build-x", node="build-x-123"):
        log.info("started", extra={"pod": name})

Fields given by `about` hold in the task that set them and those it starts. Every line passes the redactor.
"""

import logging
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any, Literal, TextIO

import orjson

from eventflow.telemetry.redaction import Redactor

Format = Literal["auto", "json", "console"]

_about: ContextVar[Mapping[str, str] | None] = ContextVar("eventflow-log-fields", default=None)
_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
_NOISY = ("aiohttp.access", "aiobotocore", "botocore", "aiokafka", "asyncio")
_CONTROL = {code: f"\\x{code:02x}" for code in (*range(0x20), 0x7F, *range(0x80, 0xA0)) if code not in (0x09, 0x0A)}
_COLOURS = {"DEBUG": "2", "INFO": "32", "WARNING": "33", "ERROR": "31", "CRITICAL": "1;31"}


@contextmanager
def about(**fields: str) -> Iterator[None]:
    """Add fields to every record of this task while the block runs; inner blocks add to outer ones."""
    token = _about.set({**(_about.get() or {}), **fields})
    try:
        yield
    finally:
        _about.reset(token)


def fields() -> Mapping[str, str]:
    """The fields that hold now."""
    return _about.get() or {}


def configure(form: Format, level: str, redactor: Redactor, stream: TextIO | None = None) -> logging.Handler:
    """Send all records of `level` (`info` ...) and above to `stream` (standard error), and return the handler.

    `auto` means the console's form on a terminal, else JSON lines. Replaces what was configured before. Talkative
    libraries are heard from `warning` on, unless the level is `debug`.
    """
    target = stream or sys.stderr
    handler = logging.StreamHandler(target)
    console = form == "console" or (form == "auto" and target.isatty())
    handler.setFormatter(ConsoleFormatter(redactor, target.isatty()) if console else JsonFormatter(redactor))
    handler.addFilter(_remember_fields)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for name in _NOISY:
        logging.getLogger(name).setLevel(logging.DEBUG if level == "debug" else logging.WARNING)
    logging.captureWarnings(True)
    return handler


def _remember_fields(record: logging.LogRecord) -> bool:
    """Note a record's fields while still in the task that made it: formatting may happen elsewhere."""
    record.about = fields()
    return True


def _extra(record: logging.LogRecord) -> dict[str, Any]:
    """The fields of a record: of its surroundings, then its own."""
    own = {name: value for name, value in vars(record).items() if name not in _STANDARD and name != "about"}
    return {**getattr(record, "about", {}), **own}


class JsonFormatter(logging.Formatter):
    """One JSON object a line: time, level, logger, message, the fields, and error with its traceback."""

    def __init__(self, redactor: Redactor) -> None:
        super().__init__()
        self._redactor = redactor

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": _time(record),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **_extra(record),
        }
        if record.exc_info:
            line["error"] = self.formatException(record.exc_info)
        options = orjson.OPT_NON_STR_KEYS | orjson.OPT_SERIALIZE_DATACLASS
        try:
            text = orjson.dumps(line, default=str, option=options).decode()
        except orjson.JSONEncodeError:  # a lone surrogate, or an integer beyond 64 bits
            text = orjson.dumps({name: ascii(value) for name, value in line.items()}).decode()
        return self._redactor.redact(text)


class ConsoleFormatter(logging.Formatter):
    """For people: time, level, message, fields. Control characters are spelled out, as they could lie to the reader."""

    def __init__(self, redactor: Redactor, colour: bool) -> None:
        super().__init__()
        self._redactor = redactor
        self._colour = colour

    def format(self, record: logging.LogRecord) -> str:
        extra = "".join(f" {name}={_word(value)}" for name, value in _extra(record).items())
        text = f"{record.getMessage()}{extra}"
        if record.exc_info:
            text = f"{text}\n{self.formatException(record.exc_info)}"
        text = self._redactor.redact(text).translate(_CONTROL).replace("\n", "\n    ")
        level = record.levelname.lower()[:5].ljust(5)
        if self._colour:
            level = f"\x1b[{_COLOURS.get(record.levelname, '0')}m{level}\x1b[0m"
        return f"{_time(record)[11:23]} {level} {text}"


def _time(record: logging.LogRecord) -> str:
    return datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _word(value: object) -> str:
    if isinstance(value, dict | list | tuple):
        return orjson.dumps(value, default=str, option=orjson.OPT_NON_STR_KEYS).decode()
    text = str(value)
    return text if text and not any(sign in text for sign in ' "=\n') else orjson.dumps(text, default=str).decode()
