"""`http` templates: one request, its answer's body as the result.

After Argo v4.1.2 workflow/executor/agent.go and workflow/executor/http: what prevents an answer fails the node. The
request goes out at least once: a repetition after a crash carries the same Idempotency-Key.
"""

import asyncio
import base64
import binascii
from collections.abc import Mapping
from typing import Any

import aiohttp
from yarl import URL

from eventflow.artifacts import outbound
from eventflow.artifacts.outbound import Outbound
from eventflow.artifacts.secrets import SecretReader
from eventflow.engine.performers.contract import Task
from eventflow.errors import PermanentError, UserError
from eventflow.expressions import success
from eventflow.expressions.expr.errors import ExprError
from eventflow.model import identity
from eventflow.model.pod import Pod, PodEnd
from eventflow.runtimes.contract import Objects

DEFAULT_TIMEOUT = 30.0
LONGEST_BODY = 4 << 20  # bytes
MOST_REDIRECTS = 10
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_CREDENTIALS = frozenset({"authorization", "cookie", "cookie2", "www-authenticate"})

Headers = list[tuple[str, str]]


class HttpPerformer:
    """Sends requests to where the guard lets it. `objects` has the Secrets that headers come from."""

    def __init__(self, guard: Outbound, objects: Objects) -> None:
        self._guard = guard
        self._objects = objects

    async def perform(self, task: Task) -> PodEnd:
        """Send the request and judge the answer. Never raises for what the other side does."""
        template: Mapping[str, Any] = task.pod.template["http"]
        try:
            body = _body(template)
            headers = await self._headers(template, task.pod)
            async with asyncio.timeout(_timeout(template)):
                exchange = await self._exchange(template, headers, body, task.pod)
        except TimeoutError:
            return PodEnd("Failed", task.now(), message=_late(template))
        except (aiohttp.ClientError, OSError, UserError, PermanentError, ValueError) as error:
            return PodEnd("Failed", task.now(), message=_told(template, error))
        return _judged(template, exchange, task)

    async def _headers(self, template: Mapping[str, Any], pod: Pod) -> Headers:
        reader = SecretReader(self._objects, pod.namespace)
        found: Headers = []
        for header in template.get("headers") or ():
            secret = (header.get("valueFrom") or {}).get("secretKeyRef")
            value = await reader.value(secret) if secret else str(header.get("value") or "")
            found.append((str(header["name"]), value))
        return found

    async def _exchange(
        self, template: Mapping[str, Any], headers: Headers, body: bytes | None, pod: Pod
    ) -> success.Exchange:
        method, url = str(template.get("method") or ""), str(template.get("url") or "")
        sent = list(headers)
        if not any(name.lower() == "idempotency-key" for name, _ in sent):
            sent.append(("Idempotency-Key", identity.digest("http", pod.workflow_uid, pod.name)))
        async with outbound.open_session(self._guard, timeout=_timeout(template)) as session:
            request = Request(session, self._guard, _secrets(template), verify=not template.get("insecureSkipVerify"))
            answer = await request.send(method or "GET", parsed(url), sent, body)
            text = await _read(answer)
        return success.Exchange(
            method=method,
            url=url,
            sent_headers=_lists(sent),
            sent_body=(body or b"").decode("utf-8", "replace"),
            status=answer.status,
            headers=_lists((canonical(name), value) for name, value in answer.headers.items()),
            body=text,
        )


class Request:
    """Sends one request, following redirects as Go's client does, each of them past the guard.

    `secrets` are the headers (in lower case) that do not follow to another origin.
    """

    def __init__(
        self, session: aiohttp.ClientSession, guard: Outbound, secrets: frozenset[str], *, verify: bool
    ) -> None:
        self._session = session
        self._guard = guard
        self._secrets = secrets
        self._verify = verify

    async def send(self, method: str, url: URL, headers: Headers, body: bytes | None) -> aiohttp.ClientResponse:
        """Return the last answer, its body unread. Raises PermanentError for too many redirects."""
        for _ in range(MOST_REDIRECTS):
            self._guard.check(url)
            answer = await self._session.request(
                method,
                url,
                headers=headers,
                data=body,
                ssl=self._verify,
                allow_redirects=False,
                skip_auto_headers=("Content-Type",),
            )
            place = answer.headers.get("Location")
            if answer.status not in _REDIRECTS or not place:
                return answer
            answer.release()
            following = url.join(parsed(place))
            if answer.status in (301, 302, 303):
                method, body = ("HEAD" if method == "HEAD" else "GET"), None
            if following.origin() != url.origin():
                headers = [(name, value) for name, value in headers if name.lower() not in self._secrets]
            url = following
        raise PermanentError(f"stopped after {MOST_REDIRECTS} redirects")


def parsed(text: str) -> URL:
    """Return a URL as it is written, as Go's client sends it; one with spaces or other letters is encoded."""
    return URL(text, encoded=text.isascii() and text.isprintable() and " " not in text)


def _secrets(template: Mapping[str, Any]) -> frozenset[str]:
    named = (str(header["name"]).lower() for header in template.get("headers") or () if header.get("valueFrom"))
    return _CREDENTIALS.union(named)


async def _read(answer: aiohttp.ClientResponse) -> str:
    received = bytearray()
    async for piece in answer.content.iter_chunked(1 << 16):
        received += piece
        if len(received) > LONGEST_BODY:
            raise PermanentError(f"the answer is larger than {LONGEST_BODY >> 20} MiB; an artifact can be")
    return received.decode("utf-8", "replace")


def _judged(template: Mapping[str, Any], exchange: success.Exchange, task: Task) -> PodEnd:
    at = task.now()
    try:
        phase, message = success.http(str(template.get("successCondition") or ""), exchange, at)
    except ExprError as error:
        phase, message = "Failed", f"unable to evaluate successCondition: {error}"
    return PodEnd(phase, at, message=message, result=exchange.body)


def _body(template: Mapping[str, Any]) -> bytes | None:
    source = (template.get("bodyFrom") or {}).get("bytes")
    if source is not None:
        try:
            return base64.b64decode(str(source), validate=True)
        except (binascii.Error, ValueError) as error:
            raise UserError("http: bodyFrom.bytes is not base64", hint="encode the body") from error
    return str(template["body"]).encode() if template.get("body") else None


def _timeout(template: Mapping[str, Any]) -> float:
    return float(template.get("timeoutSeconds") or DEFAULT_TIMEOUT)


def _late(template: Mapping[str, Any]) -> str:
    return f"{_what(template)}: no whole answer within {_timeout(template):g} s"


def _told(template: Mapping[str, Any], error: Exception) -> str:
    said = str(error) or type(error).__name__
    return f"{_what(template)}: {said}"


def _what(template: Mapping[str, Any]) -> str:
    """Name the request without what may be secret in it."""
    method, text = str(template.get("method") or "GET"), str(template.get("url") or "")
    try:
        url = URL(text)
    except ValueError:
        return f"{method} {text!r}"
    return f"{method} {url.with_query(None).with_user(None) if url.host else text}"


def _lists(pairs: Any) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name, value in pairs:
        found.setdefault(name, []).append(value)
    return found


def canonical(name: str) -> str:
    """Return a header's name as Go writes it (net/textproto CanonicalMIMEHeaderKey): `Content-Type`."""
    return "-".join(part[:1].upper() + part[1:].lower() for part in name.split("-"))
