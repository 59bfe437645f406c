"""Verification of senders: each scheme with a right and a wrong proof, rotation, and time."""

import base64
import hashlib
import hmac
import inspect
import re
from typing import Any

import pytest

from eventflow.errors import UserError
from eventflow.model import manifest
from eventflow.model.extensions import Verify
from eventflow.model.kinds import VERIFY_SCHEMES
from eventflow.sources import endpoints
from eventflow.sources.payloads import shapes, sns, verify
from eventflow.sources.payloads.request import Refused, Request, Surroundings

NOW = 1_700_000_000.0
BODY = b'{"a": 1}'
SECRETS = {"new": "s3cret", "old": "0ld", "std": "whsec_" + base64.b64encode(b"k" * 24).decode()}


def around(now: float = NOW) -> Surroundings:
    return Surroundings(lambda _, key: SECRETS.get(key), now)


def ref(key: str) -> dict[str, str]:
    return {"name": "hook", "key": key}


def mac(secret: str | bytes, message: bytes, algorithm: str = "sha256") -> bytes:
    key = secret.encode() if isinstance(secret, str) else secret
    return hmac.new(key, message, algorithm).digest()


def signed(scheme: str, secret: str) -> tuple[dict[str, Any], list[tuple[str, str]]]:
    stamp = str(int(NOW))
    match scheme:
        case "github":
            return {}, [("X-Hub-Signature-256", "sha256=" + mac(secret, BODY).hex())]
        case "gitlab":
            return {}, [("X-Gitlab-Token", secret)]
        case "slack":
            proof = mac(secret, f"v0:{stamp}:".encode() + BODY).hex()
            return {}, [("X-Slack-Request-Timestamp", stamp), ("X-Slack-Signature", f"v0={proof}")]
        case "stripe":
            proof = mac(secret, stamp.encode() + b"." + BODY).hex()
            return {}, [("Stripe-Signature", f"t={stamp},v1=00,v1={proof},v0=x")]
        case "hmac":
            proof = base64.b64encode(mac(secret, BODY, "sha512")).decode()
            block = {"header": "X-Proof", "prefix": "p=", "algorithm": "sha512", "encoding": "base64"}
            return block, [("x-proof", f"p={proof}")]
        case "bearer":
            return {}, [("Authorization", f"bearer {secret}")]
        case "basic":
            return {"username": "u"}, [("Authorization", "Basic " + base64.b64encode(f"u:{secret}".encode()).decode())]
    raise AssertionError(scheme)


def verdict(block: dict[str, Any], headers: list[tuple[str, str]], now: float = NOW, body: bytes = BODY) -> bool:
    try:
        verify.check(Request("POST", "/", tuple(headers), body), block, around(now))
    except Refused as refusal:
        return refusal.status not in (400, 401)
    return True


SCHEMES = ["github", "gitlab", "slack", "stripe", "hmac", "bearer", "basic"]


@pytest.mark.parametrize("scheme", SCHEMES)
def test_schemes(scheme: str) -> None:
    extra, headers = signed(scheme, "s3cret")
    block = {"scheme": scheme, "secret": ref("new"), **extra}
    assert verdict(block, headers)
    assert not verdict({**block, "secret": ref("old")}, headers)
    assert not verdict(block, [])
    assert verdict({"scheme": scheme, "secrets": [ref("old"), ref("new")], **extra}, headers)


@pytest.mark.parametrize("scheme", ["github", "slack", "stripe", "hmac"])
def test_signatures_are_over_the_raw_body(scheme: str) -> None:
    extra, headers = signed(scheme, "s3cret")
    assert not verdict({"scheme": scheme, "secret": ref("new"), **extra}, headers, body=b'{"a":1}')


@pytest.mark.parametrize("scheme", ["slack", "stripe"])
@pytest.mark.parametrize("drift", [-301, 301])
def test_timestamps_age(scheme: str, drift: int) -> None:
    extra, headers = signed(scheme, "s3cret")
    block = {"scheme": scheme, "secret": ref("new"), **extra}
    assert not verdict(block, headers, NOW + drift)
    for tolerance in (600, "600", "10m"):
        assert verdict({**block, "tolerance": tolerance}, headers, NOW + drift)


def test_a_tolerance_that_is_no_duration() -> None:
    extra, headers = signed("slack", "s3cret")
    with pytest.raises(UserError, match="tolerance"):
        endpoints.check("webhook", {"verify": {"scheme": "slack", "secret": ref("new"), "tolerance": "soon"}})
    with pytest.raises(UserError, match="tolerance"):
        verdict({"scheme": "slack", "secret": ref("new"), **extra, "tolerance": "soon"}, headers)


def test_manifests_may_name_each_scheme_and_no_other() -> None:
    assert sorted(VERIFY_SCHEMES) == sorted(verify.SCHEMES)


def test_manifests_may_have_each_field_that_is_read() -> None:
    read = set(re.findall(r"""block(?:\.get\(|\[)"(\w+)\"""", inspect.getsource(verify)))
    assert "scheme" in read
    assert read <= Verify.model_fields.keys()


def test_a_webhook_may_have_user_name_and_key_path() -> None:
    text = """
    apiVersion: argoproj.io/v1alpha1
    kind: EventSource
    metadata: {name: hooks}
    spec:
      webhook:
        order:
          endpoint: /order
          keyPath: order.id
          verify: {scheme: basic, username: u, secret: {name: hook, key: new}}
    """
    entry = manifest.parse(text, "f.yaml")[0].manifest["spec"]["webhook"]["order"]
    assert (entry["keyPath"], entry["verify"]["username"]) == ("order.id", "u")


def test_standard_webhooks() -> None:
    stamp = str(int(NOW))
    proof = base64.b64encode(mac(b"k" * 24, f"msg_1.{stamp}.".encode() + BODY)).decode()
    headers = [("webhook-id", "msg_1"), ("webhook-timestamp", stamp), ("webhook-signature", f"v1a,x v1,{proof}")]
    block = {"scheme": "standard-webhooks", "secret": ref("std")}
    assert verdict(block, headers)
    assert not verdict(block, headers, NOW + 400)
    assert not verdict(block, [("webhook-id", "msg_2"), *headers[1:]])


@pytest.mark.parametrize(
    "block",
    [
        {"scheme": "rot13", "secret": ref("new")},
        {"scheme": "github"},
        {"scheme": "hmac", "secret": ref("new")},
        {"scheme": "hmac", "secret": ref("new"), "header": "X", "algorithm": "md5"},
        {"scheme": "standard-webhooks", "secret": ref("old")},
    ],
)
def test_a_block_that_is_no_good_is_the_users_error(block: dict[str, Any]) -> None:
    headers = (("webhook-id", "1"), ("webhook-timestamp", str(int(NOW))))
    with pytest.raises(UserError) as refusal:
        verify.check(Request("POST", "/", headers, BODY), block, around())
    assert not isinstance(refusal.value, Refused)


def test_a_missing_secret_answers_500() -> None:
    request = Request("POST", "/", (), BODY)
    answer = shapes.receive("webhook", {"verify": {"scheme": "github", "secret": ref("gone")}}, request, around())
    assert (answer.status, answer.events) == (500, ())


def test_verify_guards_every_source() -> None:
    block = {"scheme": "bearer", "secret": ref("new")}
    for name in shapes.SHAPES:
        config = {"webhook": {"verify": block}, "verify": block}
        assert shapes.receive(name, config, Request("POST", "/", (), BODY), around()).status == 401, name


@pytest.fixture(scope="module")
def amazon() -> tuple[Any, bytes]:
    x509 = pytest.importorskip("cryptography.x509")
    import datetime

    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import rsa

    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(x509.oid.NameOID.COMMON_NAME, "sns.amazonaws.com")])
    start = datetime.datetime(2023, 1, 1, tzinfo=datetime.UTC)
    built = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    built = built.serial_number(1).not_valid_before(start).not_valid_after(start + datetime.timedelta(days=9999))
    return key, built.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


def sns_message(**changes: str) -> dict[str, str]:
    address = "https://sns.us-east-1.amazonaws.com/c.pem"
    return {
        "Type": "Notification", "MessageId": "m", "TopicArn": "arn", "Message": "hi", "Timestamp": "t",
        "SignatureVersion": "2", "SigningCertURL": address, **changes,
    }  # fmt: skip


def test_sns_signatures(amazon: tuple[Any, bytes]) -> None:
    import json

    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import padding

    key, certificate = amazon
    trusting = Surroundings(lambda *_: None, NOW, lambda _: certificate)
    config = {"webhook": {}, "topicArn": "arn", "validateSignature": True}

    def answer(message: dict[str, str], over: dict[str, str]) -> int:
        proof = key.sign(sns.signed_text(over), padding.PKCS1v15(), hashes.SHA256())
        body = json.dumps({**message, "Signature": base64.b64encode(proof).decode()}).encode()
        return shapes.receive("sns", config, Request("POST", "/", (), body), trusting).status

    message = sns_message()
    assert answer(message, message) == 200
    assert answer(sns_message(Message="forged"), message) == 400
    assert answer(sns_message(SigningCertURL="https://evil.example/c.pem"), message) == 400
    assert answer(sns_message(TopicArn="other"), message) == 400


@pytest.mark.parametrize(
    ("url", "visited"),
    [
        ("https://sns.eu-west-1.amazonaws.com/?Action=ConfirmSubscription", True),
        ("http://sns.eu-west-1.amazonaws.com/", False),
        ("https://sns.eu-west-1.amazonaws.com.evil.example/", False),
        ("https://169.254.169.254/latest", False),
    ],
)
def test_sns_subscriptions_are_confirmed_only_at_amazon(url: str, visited: bool) -> None:
    import json

    body = json.dumps(sns_message(Type="SubscriptionConfirmation", Token="t", SubscribeURL=url)).encode()
    answer = shapes.receive("sns", {"webhook": {}}, Request("POST", "/", (), body), around())
    assert answer.visit == (url if visited else "")
    assert answer.events == ()


def test_digest_is_hmac() -> None:
    assert verify.digest("k", b"m", "sha1") == hmac.new(b"k", b"m", hashlib.sha1).digest()
