"""`http`: a request to another server, at least once.

Each repetition carries the firing's id as `Idempotency-Key` and `webhook-id`, so that a receiver can tell. Addresses
that are not public are refused unless the settings allow them; redirects are not followed. Unlike Argo Events, where
without a policy every status is a success, a status other than 2xx is a failure: 408, 425, 429 and 5xx are tried again,
any other ends in the dead letters at once. `policy.status.allow` replaces the statuses that count as success.
"""

import asyncio
import base64
from collections.abc import Mapping
from typing import Any

import aiohttp
from yarl import URL

from eventflow.artifacts import outbound
from eventflow.artifacts.secrets import SecretReader
from eventflow.errors import PermanentError, TemporaryError, UserError
from eventflow.store.contract import Work
from eventflow.triggers import parameters, resolve
from eventflow.triggers.contract import Action, Done, Environment, Events, Firing, TriggerPlugin

DEFAULT_TIMEOUT = 60.0
LONGEST_ANSWER = 2_000
_TEMPORARY = frozenset({408, 425, 429})


class HttpTrigger:
    """Sends requests, each on a connection that passed the guard against calls to inner addresses."""

    def __init__(self, environment: Environment) -> None:
        self._environment = environment

    def check(self, template: Mapping[str, Any]) -> None:
        """Raise UserError for what is not supported."""
        if template.get("tls"):
            raise UserError("http.tls is not supported", hint="certificates of public authorities are checked always")
        if not template.get("url"):
            raise UserError("http needs a url")

    def plan(self, template: Mapping[str, Any], policy: Mapping[str, Any], events: Events, firing: Firing) -> Action:
        """Return the request; secrets only by reference."""
        changed = parameters.apply_json(template, template.get("parameters") or (), events)
        headers = {str(name): str(value) for name, value in (changed.get("headers") or {}).items()}
        for entry in changed.get("dynamicHeaders") or ():
            found = resolve.resolve(entry.get("src") or {}, events)
            if found is not None:
                headers[str(entry.get("dest") or "")] = found.text
        return {
            "method": str(changed.get("method") or "POST"),
            "url": str(changed.get("url") or ""),
            "headers": headers,
            "payload": parameters.payload(template.get("payload") or (), events),
            "timeout": float(changed.get("timeout") or DEFAULT_TIMEOUT),
            "secure_headers": changed.get("secureHeaders") or [],
            "basic_auth": changed.get("basicAuth"),
            "allow": (policy.get("status") or {}).get("allow") or [],
            "namespace": firing.namespace,
        }

    def enact(self, action: Action, firing: Firing) -> Work[Done] | None:
        """Return None: what is outside is in no transaction."""
        del action, firing
        return None

    async def perform(self, action: Action, firing: Firing) -> Done:
        """Send the request. Raises TemporaryError when it may succeed later, PermanentError when it cannot."""
        url = URL(action["url"])
        guard = self._environment.outbound
        guard.check(url)
        headers = {**action["headers"], **await self._secure(action)}
        headers |= {"Idempotency-Key": firing.id, "webhook-id": firing.id}
        payload = action["payload"]
        if payload is not None and not any(name.lower() == "content-type" for name in headers):
            headers["Content-Type"] = "application/json"
        try:
            async with (
                asyncio.timeout(action["timeout"]),
                outbound.open_session(guard, timeout=action["timeout"]) as session,
                session.request(
                    action["method"], url, headers=headers, data=payload, allow_redirects=False
                ) as response,
            ):
                text = (await response.content.read(LONGEST_ANSWER)).decode("utf-8", "replace")
                return _judged(response, action["allow"], text)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise outbound.translated(error, f"{action['method']} {url.with_query(None).with_user(None)}") from error

    async def _secure(self, action: Action) -> dict[str, str]:
        reader = SecretReader(self._environment.catalog, action["namespace"])
        headers = {}
        for entry in action["secure_headers"]:
            source = entry.get("valueFrom") or {}
            headers[str(entry.get("name") or "")] = await self._value(reader, source, action["namespace"])
        if action["basic_auth"]:
            user = await reader.value(action["basic_auth"].get("username"))
            word = await reader.value(action["basic_auth"].get("password"))
            headers["Authorization"] = "Basic " + base64.b64encode(f"{user}:{word}".encode()).decode()
        return headers

    async def _value(self, reader: SecretReader, source: Mapping[str, Any], namespace: str) -> str:
        if source.get("secretKeyRef"):
            return await reader.value(source["secretKeyRef"])
        reference = source.get("configMapKeyRef") or {}
        found = await self._environment.catalog.find("ConfigMap", namespace, str(reference.get("name") or ""))
        value = ((found or {}).get("data") or {}).get(reference.get("key"))
        if value is None:
            raise UserError(f"ConfigMap {reference.get('name')!r} has no key {reference.get('key')!r}")
        return str(value)


def _judged(response: aiohttp.ClientResponse, allow: list[int], text: str) -> Done:
    status = response.status
    if status in allow or (not allow and 200 <= status < 300):
        return Done("delivered", {"status": status, "answer": text})
    said = f"the receiver answered {status}: {text[:200]}"
    if status in _TEMPORARY or status >= 500:
        raise TemporaryError(said, retry_after=_retry_after(response))
    raise PermanentError(said)


def _retry_after(response: aiohttp.ClientResponse) -> float:
    text = response.headers.get("Retry-After", "")
    return float(text) if text.isdigit() and len(text) < 6 else 0.0


PLUGIN = TriggerPlugin("http", "send an HTTP request", HttpTrigger)
