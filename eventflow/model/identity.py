"""Derived identity: the same cause gets the same name however often it is told, and nothing random decides.

Hashes are taken over length-prefixed parts, so that ("a", "bc") and ("ab", "c") differ.
"""

import hashlib
import re
from collections.abc import Iterable
from urllib.parse import quote

SHARDS = 64

_KEY_LIMIT = 256
_KEY_KEPT = 192
_NAME_LIMIT = 63
_NAME_DIGITS = 16
_SAFE = ":@+=,;!$&'()*~"


def event_key(*parts: object) -> str:
    """Join what identifies an event to its sender (a delivery id; topic, partition, offset; ...) into one text.

    Parts are percent-encoded (control characters, slashes and lone surrogates too), so different parts never make the
    same key. A key beyond 256 characters keeps its beginning and ends in a hash of the whole.
    """
    key = "/".join(quote(str(part), safe=_SAFE, errors="surrogatepass") for part in parts)
    if len(key) <= _KEY_LIMIT:
        return key
    return f"{key[:_KEY_KEPT]}~{digest(key)}"


def digest(*parts: str) -> str:
    """Return 128 bits of SHA-256 over the parts as 32 hexadecimal digits."""
    return _hash(parts)[:16].hex()


def firing_id(sensor_uid: str, trigger: str, event_keys: Iterable[str]) -> str:
    """Return the identity of a sensor's decision: equal for the same sensor, trigger and set of events (32 hex digits).

    `event_keys` must be unique across sources: give `Event.identity`, not the bare key. Their order does not matter.
    """
    return digest(sensor_uid, trigger, *sorted(event_keys))


def workflow_name(prefix: str, firing: str) -> str:
    """Return the name of the workflow a firing creates: a DNS label of the prefix and half of the firing's digits.

    The whole firing stays a unique key of the store; 64 bits keep names apart and can still be read.
    """
    firing = firing[:_NAME_DIGITS]
    room = _NAME_LIMIT - len(firing) - 1
    kept = re.sub(r"[^a-z0-9-]+", "-", prefix.lower()).strip("-")[:room].rstrip("-")
    return f"{kept}-{firing}" if kept else f"w-{firing}"


def uid_for(*names: str) -> str:
    """Return a UUID (RFC 9562 version 8) derived from names, for example ("Workflow", namespace, name, firing)."""
    raw = bytearray(_hash(names)[:16])
    raw[6] = 0x80 | (raw[6] & 0x0F)
    raw[8] = 0x80 | (raw[8] & 0x3F)
    text = raw.hex()
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def shard_of(uid: str) -> int:
    """Return the shard (0 to 63) whose owner runs the workflow."""
    return int.from_bytes(hashlib.sha256(uid.encode()).digest()[:4]) % SHARDS


def _hash(parts: Iterable[str]) -> bytes:
    raw = [part.encode("utf-8", "surrogatepass") for part in parts]
    return hashlib.sha256(b"".join(len(part).to_bytes(8) + part for part in raw)).digest()
