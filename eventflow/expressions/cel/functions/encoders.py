"""Text forms of data: base64, percent-encoding, digests."""

import base64
import binascii
import hashlib
import re
import urllib.parse
from typing import Any

from eventflow.expressions.cel.errors import Failure
from eventflow.expressions.cel.functions.registry import Function, define
from eventflow.expressions.cel.functions.standard import decode_utf8
from eventflow.expressions.cel.limits import Budget, charge_string

_BAD_ESCAPE = re.compile(r"%(?![0-9a-fA-F]{2})")


def base64_encode(budget: Budget, data: Any) -> str:
    octets = data.encode() if data.__class__ is str else data
    charge_string(budget, len(octets) * 4 // 3)
    return base64.b64encode(octets).decode()


def base64_decode(text: str) -> bytes:
    """Padding may be left out (cel-go ext/encoders.go)."""
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError):
        raise Failure("not base64") from None


def decode_base64_text(text: str) -> str:
    """Tekton's decodeb64: the text that base64 stands for."""
    return decode_utf8(base64_decode(text))


def sha256(data: Any) -> str:
    """The digest in hexadecimal, of a string's UTF-8."""
    return hashlib.sha256(data.encode() if data.__class__ is str else data).hexdigest()


def url_decode(text: str) -> str:
    """Percent-decoding of a query component: + is a space (Go's url.QueryUnescape)."""
    if _BAD_ESCAPE.search(text):
        raise Failure("invalid percent-encoding")
    return decode_utf8(urllib.parse.unquote_to_bytes(text.replace("+", " ")))


def url_encode(budget: Budget, text: str) -> str:
    charge_string(budget, 3 * len(text))
    return urllib.parse.quote_plus(text, safe="")


FUNCTIONS: tuple[Function, ...] = (
    define("base64.encode", base64_encode, "bytes|string", "string", form="free", linear=True, budgeted=True),
    define("base64.decode", base64_decode, "string", "bytes", form="free", linear=True),
    define("decodeb64", decode_base64_text, "string", "string", form="either", linear=True),
    define("sha256", sha256, "string|bytes", "string", form="either", linear=True),
    define("urlDecode", url_decode, "string", "string", form="either", linear=True),
    define("urlEncode", url_encode, "string", "string", form="either", linear=True, budgeted=True),
)
