"""The HTTP request and the answer, as the sources of this package see them."""

import posixpath
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any
from urllib.parse import parse_qs, unquote

import orjson

from eventflow.errors import UserError
from eventflow.model.document import InvalidJson, dumps, loads

MASKED = "*** Masked Auth Secret ***"
_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+$")
_PIECE = re.compile(r'"(?:\\.|[^"\\])*"|[ \t\n\r]+')


class Refused(UserError):
    """The request is not taken. `status` is the HTTP status to answer, the message its text."""

    def __init__(self, status: int, message: str, *, hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.status = status


@dataclass(frozen=True)
class Request:
    """An HTTP request. `target` is the raw path with its query, `headers` in order as received, without Host."""

    method: str
    target: str
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""

    @cached_property
    def fields(self) -> dict[str, list[str]]:
        """The headers by canonical name, as Argo puts them into events; the credentials masked."""
        fields: dict[str, list[str]] = {}
        for name, value in self.headers:
            readable = value.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
            fields.setdefault(canonical(name), []).append(readable)
        if fields.get("Authorization", [""])[0]:
            fields["Authorization"] = [MASKED]
        return dict(sorted(fields.items()))

    def header(self, name: str) -> str:
        """Return the first value of a header in any case of letters, "" without one. Credentials are not masked."""
        wanted = name.lower()
        return next((value for key, value in self.headers if key.lower() == wanted), "")

    @property
    def path(self) -> str:
        """The decoded path."""
        return unquote(self.target.partition("?")[0])

    @cached_property
    def query(self) -> dict[str, list[str]]:
        """The query, each name with its values in order."""
        return form(self.target.partition("?")[2])

    @property
    def media_type(self) -> str:
        """The content type without parameters, in lower case."""
        return self.header("Content-Type").split(";")[0].strip().lower()


def form(text: str) -> dict[str, list[str]]:
    """Decode `a=1&a=2`; a broken escape stays as it is."""
    return parse_qs(text, keep_blank_values=True, separator="&")


def canonical(name: str) -> str:
    """Return a header's name as Go writes it: X-Github-Event. Names that are no tokens stay as they are."""
    if not _TOKEN.match(name):
        return name
    return "-".join(part[:1].upper() + part[1:].lower() for part in name.split("-"))


@dataclass(frozen=True, slots=True)
class Received:
    """One event a request carries: its data as JSON text, and what the sender says of it.

    `key` identifies it across redeliveries, None when the sender gives nothing to tell by. The attributes are those of
    CloudEvents; "" leaves what the source would set.
    """

    data: str
    key: str | None = None
    id: str = ""
    source: str = ""
    type: str = ""
    subject: str = ""
    time: str = ""
    extensions: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Answer:
    """What to do and to say: store the events, then answer; when they can not be stored, answer NOT_RECORDED.

    `visit` is an address that must be fetched before answering (the confirmation of an SNS subscription).
    """

    status: int
    text: str
    events: tuple[Received, ...] = ()
    content_type: str = "text/plain; charset=utf-8"
    headers: Mapping[str, str] = field(default_factory=dict)
    visit: str = ""


NOT_RECORDED = Answer(500, "failed to record event")


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a shape may know besides the request.

    `secret(name, key)` gives a secret's text, None when there is none; `now` is seconds since the epoch;
    `certificate(url)` gives a PEM certificate, for SNS signatures.
    """

    secret: Callable[[str, str], str | None]
    now: float
    certificate: Callable[[str], bytes] | None = None

    def read(self, reference: Mapping[str, Any] | None) -> str:
        """Return the secret of a `{name, key}`, "" for none. Raises Refused(500) when it is missing."""
        if not reference:
            return ""
        value = self.secret(str(reference.get("name")), str(reference.get("key")))
        if value is None:
            raise Refused(500, "Error loading secret", hint=f"create secret {reference.get('name')!r}")
        return value.rstrip("\r\n")


def json_text(body: bytes, message: str = "") -> tuple[Any, str]:
    """Return JSON bytes as a value and as compact text that keeps the spelling of numbers and escapes. Refused(400)."""
    try:
        value = loads(body)
        text = body.decode()
    except (InvalidJson, UnicodeDecodeError) as error:
        detail = error.message if isinstance(error, InvalidJson) else "not UTF-8"
        raise Refused(400, message or f"the body is {detail}", hint="send JSON") from error
    if dumps(value) == text:
        return value, text
    return value, _PIECE.sub(lambda match: match.group() if match.group()[0] == '"' else "", text)


def data_text(members: Mapping[str, Any]) -> str:
    """Return an event's data as JSON text; a value that is an orjson.Fragment stands as it is."""
    return orjson.dumps(dict(members)).decode()


def envelope(
    request: Request, name: str, body: str, metadata: Mapping[str, str] | None, more: Mapping[str, Any] | None = None
) -> str:
    """Return Argo's data of a webhook: the headers under `name`, the body's JSON text, and metadata if there is any."""
    members: dict[str, Any] = {name: request.fields, "body": orjson.Fragment(body), **(more or {})}
    if metadata:
        members["metadata"] = dict(metadata)
    return data_text(members)


def cleaned(path: str) -> str:
    """Return a path without doubled slashes and dot segments."""
    clean = posixpath.normpath(path) if path.startswith("/") else "/" + posixpath.normpath(path)
    clean = "/" + clean.lstrip("/")
    return clean + "/" if path.endswith("/") and clean != "/" else clean
