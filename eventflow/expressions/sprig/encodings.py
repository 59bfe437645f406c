"""JSON, Base64, Base32 and hashes."""

import base64
import binascii
import hashlib
import zlib
from collections.abc import Callable
from typing import Any

from eventflow.expressions.expr.errors import Fault
from eventflow.expressions.golang import json_text, text
from eventflow.expressions.sprig.signatures import define


def _decoder(name: str, decode: Callable[[str], bytes]) -> Callable[[str], str]:
    def run(source: str) -> str:
        try:
            return text.from_bytes(decode(source.replace("\n", "").replace("\r", "")))
        except (binascii.Error, ValueError) as error:
            raise Fault(f"illegal {name} data: {error}") from error

    return run


def _hash(name: str) -> Callable[[str], str]:
    return lambda source: hashlib.new(name, text.to_bytes(source), usedforsecurity=False).hexdigest()


def _encoder(**options: Any) -> Callable[[Any], str]:
    return lambda value: json_text.encode(value, **options)


_from_base64 = _decoder("base64", lambda source: base64.b64decode(source, validate=True))
_from_base32 = _decoder("base32", base64.b32decode)

FUNCTIONS = (
    define("b64enc", "s", lambda source: base64.b64encode(text.to_bytes(source)).decode()),
    define("b64dec", "s", _from_base64),
    define("b32enc", "s", lambda source: base64.b32encode(text.to_bytes(source)).decode()),
    define("b32dec", "s", _from_base32),
    define("sha1sum", "s", _hash("sha1")),
    define("sha256sum", "s", _hash("sha256")),
    define("sha512sum", "s", _hash("sha512")),
    define("adler32sum", "s", lambda source: str(zlib.adler32(text.to_bytes(source)))),
    define("fromJson", "s", json_text.decode),
    define("mustFromJson", "s", json_text.decode),
    define("toJson", "a", _encoder()),
    define("mustToJson", "a", _encoder()),
    define("toPrettyJson", "a", _encoder(indent="  ")),
    define("mustToPrettyJson", "a", _encoder(indent="  ")),
    define("toRawJson", "a", _encoder(html=False)),
    define("mustToRawJson", "a", _encoder(html=False)),
)
