"""Keys of artifacts: which are refused, and how they split into path segments."""

import re
from urllib.parse import unquote

from eventflow.artifacts.contract import BadLocation

LONGEST_KEY = 1024
"""Bytes of UTF-8, as S3 allows (docs.aws.amazon.com, "Naming Amazon S3 objects")."""

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


def check(key: str) -> str:
    """Return a key that is safe in any store. Raises BadLocation.

    Refused are segments that climb (`..`), also when percent-encoded once or more or split by backslashes, control
    characters, keys that are empty or longer than S3 allows, and text that is not UTF-8: what one store takes for
    a name, another store, a proxy or a file system may take for a path.
    """
    if not key:
        raise BadLocation("the artifact has no key")
    try:
        length = len(key.encode())
    except UnicodeEncodeError as error:
        raise BadLocation(f"the artifact key {key!r} is not Unicode text") from error
    if length > LONGEST_KEY:
        raise BadLocation(f"the artifact key has {length} bytes, more than {LONGEST_KEY}: {key[:64]!r}...")
    for spelling in _spellings(key):
        if _CONTROL.search(spelling):
            raise BadLocation(f"the artifact key {key!r} holds a control character")
        if ".." in re.split(r"[/\\]", spelling):
            raise BadLocation(f"the artifact key {key!r} climbs out of its place", hint="leave out '..'")
    return key


def _spellings(key: str) -> list[str]:
    """The key as written and as it reads after each percent-decoding."""
    spellings = [key]
    while (decoded := unquote(spellings[-1], errors="replace")) != spellings[-1]:
        spellings.append(decoded)
    return spellings


def segments(key: str) -> list[str]:
    """The parts of a key between slashes; empty ones and `.` are dropped. Raises BadLocation as `check` does."""
    parts = [part for part in check(key).split("/") if part not in ("", ".")]
    if not parts:
        raise BadLocation(f"the artifact key {key!r} names nothing")
    return parts
