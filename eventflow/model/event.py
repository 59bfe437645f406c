"""An event: a CloudEvent with the key that identifies it across redeliveries."""

import base64
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import orjson

from eventflow.errors import UserError
from eventflow.model import identity

# What no store keeps: PostgreSQL refuses NUL in text, UTF-8 has no lone surrogates.
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
_TEXTS = ("id", "source", "type", "source_name", "event_name", "key", "namespace")
_OPTIONAL_TEXTS = ("subject", "time", "datacontenttype", "dataschema")
_JSON = re.compile(r"^\s*[\w.+-]+/(?:[\w.+-]*\+)?json\b", re.IGNORECASE)


@dataclass(frozen=True)
class Event:
    """A CloudEvent 1.0 as received and as stored.

    `source_name` and `event_name` are the EventSource and the key of the entry in its map; `namespace` is theirs.
    `key` comes from the sender (see `identity.event_key`): the store keeps one event per namespace, source_name,
    event_name and key. `time` is the sender's RFC 3339 text; `received_at` is seconds since the epoch by our clock.
    `data_bytes` is the payload exactly as it came. `seq` is the position in the log, 0 until stored.

    Raises UserError when a required attribute is empty or a text holds NUL or a lone surrogate.
    """

    id: str
    source: str
    type: str
    source_name: str
    event_name: str
    key: str
    data_bytes: bytes = b""
    subject: str | None = None
    time: str | None = None
    datacontenttype: str | None = "application/json"
    dataschema: str | None = None
    extensions: Mapping[str, str | int | bool] = field(default_factory=dict)
    received_at: float = 0.0
    namespace: str = "default"
    seq: int = 0

    def __post_init__(self) -> None:
        for name in _TEXTS:
            if not getattr(self, name):
                raise UserError(f"event attribute {name!r} is empty", hint="CloudEvents requires id, source and type")
        for name in _TEXTS + _OPTIONAL_TEXTS:
            text = getattr(self, name)
            if text is not None and _UNSTORABLE.search(text):
                raise UserError(
                    f"event attribute {name!r} holds a NUL or a lone surrogate: {text!r}",
                    hint="CloudEvents forbids control characters in attributes",
                )

    @property
    def identity(self) -> str:
        """The key made unique across sources; what firings are derived from."""
        return identity.event_key(self.namespace, self.source_name, self.event_name, self.key)

    @cached_property
    def digest(self) -> bytes:
        """SHA-256 of the payload (32 bytes); tells a redelivery from another event under the same key."""
        return hashlib.sha256(self.data_bytes).digest()

    @cached_property
    def data(self) -> Any:
        """The payload decoded: JSON as its value, other text as str, anything else as base64 text (`data_base64`).

        An absent content type means JSON (CloudEvents JSON format 1.0, section 3.1.1). Raises UserError on broken JSON.
        """
        if not self.data_bytes:
            return None
        if self.datacontenttype is None or _JSON.match(self.datacontenttype):
            return self._json()
        try:
            return self.data_bytes.decode()
        except UnicodeDecodeError:
            return base64.b64encode(self.data_bytes).decode()

    def _json(self) -> Any:
        try:
            return orjson.loads(self.data_bytes)
        except orjson.JSONDecodeError as error:
            raise UserError(
                f"data of event {self.id} is not valid JSON: {error}",
                hint="the sender says datacontenttype is JSON; look at the payload with `eventflow events get`",
            ) from error
