"""Hides secret values in text that leaves the process, also in the encodings in which they are often met.

Covered are the value itself, its JSON and URL forms, and base64 (both alphabets, at any offset within longer base64).
A value that is split over several lines of output is not recognised.
"""

import base64
import json
import re
from collections.abc import Iterable
from urllib.parse import quote, quote_plus

MASK = "***"
SHORTEST = 4
"""Shorter values are not hidden: they are words of ordinary text."""


class Redactor:
    """The secret values known so far. Adding is rare, redacting is not."""

    def __init__(self) -> None:
        self._forms: set[str] = set()
        self._pattern: re.Pattern[str] | None = None

    def add(self, values: Iterable[str]) -> None:
        """Hide these values from now on. A value of several lines is hidden line by line."""
        before = len(self._forms)
        for value in values:
            for line in value.splitlines():
                if len(line.strip()) >= SHORTEST:
                    self._forms |= _forms(line.strip())
        if len(self._forms) != before:
            longest_first = sorted(self._forms, key=len, reverse=True)
            self._pattern = re.compile("|".join(re.escape(form) for form in longest_first))

    def redact(self, text: str) -> str:
        """The text with every known value masked."""
        return self._pattern.sub(MASK, text) if self._pattern else text


def _forms(value: str) -> set[str]:
    forms = {value, quote(value, safe=""), quote(value), quote_plus(value)}
    for _ in range(2):  # JSON, and JSON within a JSON line
        forms |= {json.dumps(form, ensure_ascii=pure)[1:-1] for form in forms for pure in (True, False)}
    content = value.encode(errors="surrogatepass")
    for offset in range(3):
        encoded = _aligned(content, offset)
        if len(encoded) >= SHORTEST:
            forms |= {encoded, encoded.replace("+", "-").replace("/", "_")}
    return forms


def _aligned(content: bytes, offset: int) -> str:
    """The base64 characters that depend on `content` alone when `offset` bytes (mod 3) stand before it."""
    encoded = base64.b64encode(bytes(offset) + content).decode()
    first = (0, 2, 3)[offset]
    last = (offset + len(content)) * 8 // 6
    return encoded[first:last]
