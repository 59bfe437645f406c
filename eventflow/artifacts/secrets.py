"""Reading the Secrets that a location refers to by name and key."""

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from eventflow.artifacts.contract import Objects
from eventflow.errors import PermanentError


@dataclass(frozen=True, slots=True)
class SecretReader:
    """The secrets of one namespace. Values are never part of an error."""

    objects: Objects
    namespace: str

    async def value(self, selector: Mapping[str, Any] | None) -> str:
        """The text a Kubernetes SecretKeySelector (`name`, `key`, `optional`) selects; `""` without a selector.

        Raises PermanentError when the secret or the key is missing and not optional.
        """
        if not selector:
            return ""
        name, key = str(selector.get("name", "")), str(selector.get("key", ""))
        secret = await self.objects.find("Secret", self.namespace, name)
        value = None if secret is None else _value(secret, key)
        if value is not None:
            return value
        if selector.get("optional"):
            return ""
        what = f"secret '{name}' does not exist" if secret is None else f"secret '{name}' has no key '{key}'"
        raise PermanentError(f"{what} in namespace '{self.namespace}'")


def _value(secret: Mapping[str, Any], key: str) -> str | None:
    plain = (secret.get("stringData") or {}).get(key)
    if plain is not None:
        return str(plain)
    encoded = (secret.get("data") or {}).get(key)
    if encoded is None:
        return None
    try:
        return base64.b64decode(encoded, validate=True).decode()
    except (binascii.Error, ValueError):
        raise PermanentError(f"key '{key}' of a secret is not base64 of UTF-8 text") from None
