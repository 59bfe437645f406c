"""Whatever is sent to a webhook is answered: no request makes a shape raise."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eventflow.sources.payloads import shapes
from eventflow.sources.payloads.request import Request, Surroundings

NAMES = (
    "type",
    "event",
    "event_id",
    "token",
    "challenge",
    "payload",
    "actions",
    "block_id",
    "state",
    "values",
    "view",
    "id",
    "data",
    "request",
    "Type",
    "MessageId",
    "TopicArn",
    "SubscribeURL",
    "Message",
    "Records",
    "s3",
    "object",
    "bucket",
    "sequencer",
    "changes",
    "alerts",
    "groupKey",
    "fingerprint",
    "specversion",
    "source",
)
names = st.sampled_from(NAMES) | st.text(max_size=3)
scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(max_size=4)
    | st.sampled_from(
        ["event_callback", "block_actions", "message", "Notification", "SubscriptionConfirmation", "url_verification"]
    )
)
bodies = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=5), max_leaves=15
)
headers = st.lists(
    st.tuples(
        st.sampled_from(
            ["Content-Type", "X-Event-Key", "X-Hub-Signature", "ce-specversion", "ce-id", "webhook-id", "X-A"]
        ),
        st.sampled_from(["application/json", "application/x-www-form-urlencoded", "repo:refs_changed", "1.0"])
        | st.text(st.characters(codec="ascii"), max_size=6)
        | st.just("\udcff"),
    ),
    max_size=5,
)
AROUND = Surroundings(lambda *_: "secret", 1_700_000_000.0)


def spelled(body: Any, form: bool) -> bytes:
    text = json.dumps(body)
    return ("payload=" + text if form else text).encode("utf-8", "surrogatepass")


@pytest.mark.parametrize("name", sorted(shapes.SHAPES))
@given(body=bodies, given_headers=headers, form=st.booleans(), target=st.text("/ab?%=&x.", max_size=8))
def test_every_request_is_answered(name: str, body: Any, given_headers: Any, form: bool, target: str) -> None:
    request = Request("POST", "/" + target, tuple(given_headers), spelled(body, form))
    config = {"endpoint": "/", "webhook": {"endpoint": "/"}, "oneEventPerChange": True}
    for answer in (shapes.receive(name, config, request, AROUND), shapes.respond(name, config, request, AROUND)):
        assert 200 <= answer.status < 600
        for event in answer.events:
            json.loads(event.data)


@given(raw=st.binary(max_size=20), given_headers=headers)
def test_bytes_that_are_nothing_are_answered(raw: bytes, given_headers: Any) -> None:
    for name in shapes.SHAPES:
        assert (
            shapes.receive(name, {"webhook": {}}, Request("POST", "/", tuple(given_headers), raw), AROUND).status < 600
        )
