"""Proving who sent a request: `verify:` of any webhook source (ours), and the checks that senders define.

    verify: {scheme: github, secret: {name: hook, key: token}}

`scheme` is github, gitlab, slack, stripe, standard-webhooks, hmac, bearer or basic. `secrets` is a list instead of
`secret` while one is replaced by the next: any of them is good. For hmac: `header`, `prefix`, `algorithm` (sha256),
`encoding` (hex or base64). `tolerance` is how far a timestamp may be off: a Go duration or seconds (5m). All
comparisons take constant time, all signatures are over the raw bytes.
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from eventflow.errors import UserError
from eventflow.expressions.golang import duration
from eventflow.sources.payloads.request import Refused, Request, Surroundings

ALGORITHMS = ("sha256", "sha1", "sha512", "sha384")
TOLERANCE = 300.0


def check(request: Request, block: Mapping[str, Any], around: Surroundings) -> None:
    """Check a request by a `verify:` block. Raises Refused(401), UserError for a block that is no good."""
    scheme = str(block.get("scheme") or "")
    if scheme not in _SCHEMES:
        raise UserError(f"verify: unknown scheme {scheme!r}", hint="use one of " + ", ".join(sorted(_SCHEMES)))
    references = block.get("secrets") or [block.get("secret")]
    secrets = [around.read(reference) for reference in references]
    if not any(secrets):
        raise UserError("verify: needs secret or secrets", hint="secret: {name: ..., key: ...}")
    if not _SCHEMES[scheme](request, [secret for secret in secrets if secret], block, around.now):
        raise Refused(401, "the sender could not be verified")


def same(given: str, wanted: str) -> bool:
    """Compare two texts in constant time."""
    return hmac.compare_digest(given.encode("utf-8", "surrogateescape"), wanted.encode("utf-8", "surrogateescape"))


def any_same(given: Iterable[str], wanted: Iterable[str]) -> bool:
    """Whether a text is among those wanted; every pair is compared."""
    candidates = list(wanted)
    return sum(same(one, other) for one in given for other in candidates) > 0


def digest(secret: str | bytes, message: bytes, algorithm: str = "sha256") -> bytes:
    """Return an HMAC."""
    key = secret.encode() if isinstance(secret, str) else secret
    return hmac.new(key, message, getattr(hashlib, algorithm)).digest()


def github_signature(signature: str, secrets: Sequence[str], body: bytes) -> bool:
    """Check `sha256=<hex>`, `sha1=` or `sha512=`. Raises Refused(400) for another prefix."""
    algorithm, _, given = signature.partition("=")
    if algorithm not in ("sha1", "sha256", "sha512"):
        raise Refused(400, f"unknown hash type prefix: {algorithm!r}")
    return any_same([given.lower()], [digest(secret, body, algorithm).hex() for secret in secrets])


def _github(request: Request, secrets: Sequence[str], _block: Mapping[str, Any], _now: float) -> bool:
    signature = request.header("X-Hub-Signature-256") or request.header("X-Hub-Signature")
    return bool(signature) and github_signature(signature, secrets, request.body)


def _gitlab(request: Request, secrets: Sequence[str], _block: Mapping[str, Any], _now: float) -> bool:
    return any_same([request.header("X-Gitlab-Token")], secrets)


def slack_problem(request: Request, secrets: Sequence[str], now: float, tolerance: float = TOLERANCE) -> str:
    """Return what is wrong with a Slack v0 signature, "" when it is right."""
    timestamp, signature = request.header("X-Slack-Request-Timestamp"), request.header("X-Slack-Signature")
    if not timestamp or not signature:
        return "missing headers"
    if not fresh(timestamp, now, tolerance):
        return "timestamp is too old"
    message = f"v0:{timestamp}:".encode() + request.body
    if not any_same([signature], ["v0=" + digest(secret, message).hex() for secret in secrets]):
        return "signature validation failed"
    return ""


def fresh(timestamp: str, now: float, tolerance: float) -> bool:
    """Whether a Unix timestamp is within the tolerance of now, before or after."""
    return (
        timestamp.isascii() and timestamp.isdigit() and len(timestamp) < 16 and abs(now - int(timestamp)) <= tolerance
    )


def tolerance(block: Mapping[str, Any]) -> float:
    """Return seconds. Raises UserError for a text that is no duration, which a lint would have said."""
    written = block.get("tolerance")
    if written is None:
        return TOLERANCE
    try:
        return float(int(written))
    except ValueError:
        pass
    try:
        return duration.parse_duration(str(written))
    except ValueError as error:
        raise UserError(f"verify: tolerance: {error}", hint="write a duration such as 5m") from error


def _slack(request: Request, secrets: Sequence[str], block: Mapping[str, Any], now: float) -> bool:
    return slack_problem(request, secrets, now, tolerance(block)) == ""


def _stripe(request: Request, secrets: Sequence[str], block: Mapping[str, Any], now: float) -> bool:
    """`Stripe-Signature: t=<unix>,v1=<hex>[,v1=...]`, over `<t>.<body>`."""
    parts = [part.strip().partition("=") for part in request.header("Stripe-Signature").split(",")]
    timestamp = next((value for name, _, value in parts if name == "t"), "")
    given = [value for name, _, value in parts if name == "v1"]
    if not given or not fresh(timestamp, now, tolerance(block)):
        return False
    message = timestamp.encode() + b"." + request.body
    return any_same(given, [digest(secret, message).hex() for secret in secrets])


def _standard(request: Request, secrets: Sequence[str], block: Mapping[str, Any], now: float) -> bool:
    """Standard Webhooks 1.0: `v1,<base64>` signatures over `<id>.<timestamp>.<body>`; secrets may begin with whsec_."""
    identity, timestamp = request.header("webhook-id"), request.header("webhook-timestamp")
    if not identity or not fresh(timestamp, now, tolerance(block)):
        return False
    message = f"{identity}.{timestamp}.".encode() + request.body
    given = [part[3:] for part in request.header("webhook-signature").split() if part.startswith("v1,")]
    return any_same(given, [base64.b64encode(digest(_key(secret), message)).decode() for secret in secrets])


def _key(secret: str) -> bytes:
    try:
        return base64.b64decode(secret.removeprefix("whsec_"), validate=True)
    except binascii.Error:
        raise UserError("verify: a Standard Webhooks secret is base64, perhaps behind whsec_") from None


def _hmac(request: Request, secrets: Sequence[str], block: Mapping[str, Any], _now: float) -> bool:
    algorithm, encoding = str(block.get("algorithm") or "sha256"), str(block.get("encoding") or "hex")
    prefix = str(block.get("prefix") or "")
    if algorithm not in ALGORITHMS or encoding not in ("hex", "base64") or not block.get("header"):
        raise UserError(
            "verify: hmac needs header, and knows algorithm sha256, sha1, sha384, sha512 and encoding hex, base64"
        )
    given = request.header(str(block["header"]))
    if not given.startswith(prefix):
        return False
    digests = [digest(secret, request.body, algorithm) for secret in secrets]
    if encoding == "hex":
        return any_same([given[len(prefix) :].lower()], [one.hex() for one in digests])
    return any_same([given[len(prefix) :]], [base64.b64encode(one).decode() for one in digests])


def _bearer(request: Request, secrets: Sequence[str], block: Mapping[str, Any], _now: float) -> bool:
    scheme, _, token = request.header(str(block.get("header") or "Authorization")).partition(" ")
    return scheme.lower() == "bearer" and any_same([token.strip()], secrets)


def _basic(request: Request, secrets: Sequence[str], block: Mapping[str, Any], _now: float) -> bool:
    scheme, _, encoded = request.header("Authorization").partition(" ")
    try:
        given = base64.b64decode(encoded.strip(), validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return False
    user = str(block.get("username") or "")
    return scheme.lower() == "basic" and any_same([given], [f"{user}:{secret}" for secret in secrets])


_SCHEMES: dict[str, Callable[[Request, Sequence[str], Mapping[str, Any], float], bool]] = {
    "github": _github,
    "gitlab": _gitlab,
    "slack": _slack,
    "stripe": _stripe,
    "standard-webhooks": _standard,
    "hmac": _hmac,
    "bearer": _bearer,
    "basic": _basic,
}
SCHEMES = tuple(sorted(_SCHEMES))
