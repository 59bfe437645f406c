"""By what an event is told from others, however its sender proves itself."""

from typing import Any

from eventflow.sources import cloudevents, webhook
from eventflow.sources.contract import Entry
from eventflow.sources.payloads.request import Request, Surroundings
from eventflow.sources.webhook import Route

SECRET = {"name": "n", "key": "k"}


def route(kind: str = "webhook", *, replays: bool = True, **config: Any) -> Route:
    return Route(Entry("default", "hooks", "x", kind, config), {("n", "k"): "s"}, replays)


def key(of: Route, body: bytes = b"{}", **headers: str) -> str:
    sent = tuple((name.replace("_", "-"), value) for name, value in headers.items())
    request = Request("POST", "/x", (("Content-Type", "application/json"), *sent), body)
    around = Surroundings(lambda name, key: of.secrets.get((name, key)), 1.0)
    taken = webhook.take(of, request, {}, around, "me")
    assert taken.answer.status == 200, taken.answer
    return taken.events[0].key


def bearer(**headers: str) -> dict[str, str]:
    return {"Authorization": "Bearer s", **headers}


def test_a_proven_sender_is_believed_its_id() -> None:
    proven = route(authSecret=SECRET)
    assert key(proven, b"1", **bearer(webhook_id="a")) == key(proven, b"2", **bearer(webhook_id="a"))
    assert key(proven, b"1", **bearer(webhook_id="a")) != key(proven, b"1", **bearer(webhook_id="b"))


def test_an_unproven_id_counts_together_with_the_body() -> None:
    assert key(route(), b"1", webhook_id="a") == key(route(), b"1", webhook_id="a")
    assert key(route(), b"1", webhook_id="a") != key(route(), b"2", webhook_id="a")


def test_without_an_id_each_request_is_its_own() -> None:
    assert key(route(), b"1") != key(route(), b"1")


def test_where_only_the_body_is_signed_the_body_tells() -> None:
    import hashlib
    import hmac

    def signed(body: bytes, delivery: str) -> dict[str, str]:
        return {
            "X_Hub_Signature_256": "sha256=" + hmac.new(b"s", body, hashlib.sha256).hexdigest(),
            "X_GitHub_Delivery": delivery,
        }

    github = route("github", webhookSecret=SECRET)
    assert key(github, b"{}", **signed(b"{}", "1")) == key(github, b"{}", **signed(b"{}", "2"))
    assert key(github, b"{}", **signed(b"{}", "1")) != key(github, b'{"a":1}', **signed(b'{"a":1}', "1"))
    accepting = route("github", replays=False, webhookSecret=SECRET)
    assert key(accepting, b"{}", **signed(b"{}", "1")) != key(accepting, b"{}", **signed(b"{}", "2"))


def test_headers_that_differ_between_deliveries_do_not_make_a_conflict() -> None:
    request = [
        Request("POST", "/x", (("webhook-id", "a"), ("traceparent", trace)), b"{}")
        for trace in ("00-1-1-01", "00-2-2-01")
    ]
    around = Surroundings(lambda name, key: None, 1.0)
    first, second = (webhook.take(route(), each, {}, around, "me").events[0] for each in request)
    assert first.key == second.key
    assert first.data_bytes != second.data_bytes
    assert first.digest == second.digest


def test_bodies_are_bounded_by_the_source_and_by_github() -> None:
    assert route().most(1000) == 1000
    assert route(maxPayloadSize=50).most(1000) == 50
    assert route(maxPayloadSize=1 << 40).most(1000) == webhook.LARGEST


def test_a_cloud_event_is_checked_before_the_library_can_invent_what_is_missing() -> None:
    for missing in cloudevents.REQUIRED:
        attributes = {"specversion": "1.0", "id": "1", "source": "/s", "type": "t"}
        del attributes[missing]
        request = Request("POST", "/", tuple((f"ce-{name}", value) for name, value in attributes.items()), b"{}")
        if missing == "specversion":
            assert not cloudevents.claims(request)
            continue
        taken = webhook.take(route(), request, {}, Surroundings(lambda name, key: None, 1.0), "me")
        assert (taken.answer.status, list(taken.events)) == (400, [])
        assert missing in taken.answer.text


def test_a_path_into_the_body_tells_events_apart() -> None:
    ordered = route(keyPath="order.id", authSecret=SECRET)
    first, other = b'{"order":{"id":1},"try":1}', b'{"order":{"id":2},"try":1}'
    assert key(ordered, first, **bearer(webhook_id="a")) == key(ordered, first[:-2] + b"2}", **bearer(webhook_id="b"))
    assert key(ordered, first, **bearer(webhook_id="a")) != key(ordered, other, **bearer(webhook_id="a"))
