"""`sns`: notifications of Amazon SNS over HTTP (argo-events pkg/eventsources/sources/awssns/start.go)."""

import base64
import binascii
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from eventflow.errors import UserError
from eventflow.sources.payloads.request import Answer, Received, Refused, Request, Surroundings, envelope, json_text

_HOST = re.compile(r"sns\.[a-z0-9-]+\.amazonaws\.com(\.cn)?$")
_SIGNED = {
    "Notification": ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"),
    "SubscriptionConfirmation": ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"),
    "UnsubscribeConfirmation": ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"),
}


def receive(
    request: Request, config: Mapping[str, Any], around: Surroundings, _parameters: Mapping[str, str]
) -> Answer:
    """Take a notification; confirm a subscription by naming the address to visit; ignore an unsubscription.

    Raises Refused(400): not an SNS message, of another topic than `topicArn`, or with `validateSignature` not signed.
    """
    value, text = json_text(request.body, "bad request, not a valid SNS notification")
    if not isinstance(value, dict) or not isinstance(value.get("Type", ""), str):
        raise Refused(400, "bad request, not a valid SNS notification")
    if config.get("topicArn") and value.get("TopicArn") not in (None, config["topicArn"]):
        raise Refused(400, f"the notification is of another topic: {value.get('TopicArn')!s:.200}")
    kind = value.get("Type")
    if kind not in _SIGNED:
        raise Refused(400, f"unknown SNS message type {kind!s:.40}", hint="turn raw message delivery off")
    if config.get("validateSignature"):
        _validate(value, around)
    if kind == "SubscriptionConfirmation":
        return Answer(200, "", visit=_trusted(str(value.get("SubscribeURL") or "")))
    if kind == "UnsubscribeConfirmation":
        return Answer(200, "")
    identity = value.get("MessageId")
    key = f"sns:{identity}" if identity else None
    return Answer(200, "success", (Received(envelope(request, "header", text, config.get("metadata")), key),))


def _trusted(url: str) -> str:
    """Return the address when it is Amazon's own over https, else ""."""
    parts = urlsplit(url)
    return url if parts.scheme == "https" and _HOST.match(parts.hostname or "") else ""


def signed_text(message: Mapping[str, Any]) -> bytes:
    """Return what the signature of a message is over: its members in order, each a line of name and of value."""
    members = _SIGNED[str(message["Type"])]
    return "".join(f"{name}\n{message[name]}\n" for name in members if message.get(name) is not None).encode()


def _validate(message: Mapping[str, Any], around: Surroundings) -> None:
    address = _trusted(str(message.get("SigningCertURL") or ""))
    if not address or around.certificate is None:
        raise Refused(400, "the SNS signature can not be checked: no certificate of Amazon's")
    try:
        signature = base64.b64decode(str(message.get("Signature") or ""), validate=True)
    except binascii.Error as error:
        raise Refused(400, "the SNS signature is not base64") from error
    if not _matches(around.certificate(address), signature, signed_text(message), str(message.get("SignatureVersion"))):
        raise Refused(400, "the SNS signature is wrong")


def _matches(certificate: bytes, signature: bytes, text: bytes, version: str) -> bool:
    try:
        from cryptography import exceptions, x509
        from cryptography.hazmat.primitives import hashes
        from cryptography.hazmat.primitives.asymmetric import padding, rsa
    except ImportError as error:
        raise UserError("checking SNS signatures needs cryptography", hint="pip install 'eventflow[sns]'") from error
    algorithm: hashes.HashAlgorithm = hashes.SHA256() if version == "2" else hashes.SHA1()  # noqa: S303 - SNS version 1
    key = x509.load_pem_x509_certificate(certificate).public_key()
    if not isinstance(key, rsa.RSAPublicKey):
        return False
    try:
        key.verify(signature, text, padding.PKCS1v15(), algorithm)
    except exceptions.InvalidSignature:
        return False
    return True
