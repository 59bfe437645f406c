"""An event holds what was received, and decodes it on demand."""

from dataclasses import replace
from typing import Any

import pytest

from eventflow.errors import UserError
from eventflow.model.event import Event

EVENT = Event(id="1", source="/s", type="t", source_name="hooks", event_name="push", key="k")


@pytest.mark.parametrize(
    ("content_type", "payload", "value"),
    [
        ("application/json", b'{"a": [1, null]}', {"a": [1, None]}),
        ("application/cloudevents+json; charset=utf-8", b"3", 3),
        ("APPLICATION/JSON;charset=utf-8", b"3", 3),
        (None, b'"x"', "x"),
        ("text/plain", "grün".encode(), "grün"),
        ("application/jsonlines", b"{}", "{}"),
        ("application/octet-stream", b"\xff\x00", "/wA="),
        ("application/json", b"", None),
    ],
)
def test_data_is_decoded_by_its_content_type(content_type: str | None, payload: bytes, value: object) -> None:
    assert replace(EVENT, datacontenttype=content_type, data_bytes=payload).data == value


def test_broken_json_is_the_senders_error_and_says_where() -> None:
    broken = replace(EVENT, data_bytes=b'{"a": }')
    with pytest.raises(UserError, match=r"event 1 is not valid JSON.*line 1 column"):
        _ = broken.data


@pytest.mark.parametrize("attribute", ["id", "source", "type", "source_name", "event_name", "key", "namespace"])
@pytest.mark.parametrize("value", ["", "a\x00b", "\ud800"])
def test_what_no_store_can_hold_is_refused(attribute: str, value: str) -> None:
    change: Any = {attribute: value}
    with pytest.raises(UserError, match=attribute):
        replace(EVENT, **change)


def test_optional_attributes_are_checked_when_they_are_there() -> None:
    assert replace(EVENT, subject="").subject == ""
    with pytest.raises(UserError, match="subject"):
        replace(EVENT, subject="a\x00b")


def test_identity_tells_sources_apart_and_ignores_the_rest() -> None:
    same = replace(EVENT, id="2", data_bytes=b"1", seq=9, received_at=1.0)
    others = [replace(EVENT, key="l"), replace(EVENT, event_name="e"), replace(EVENT, namespace="n")]
    moved = replace(EVENT, source_name="hooks/push", event_name="k")
    assert same.identity == EVENT.identity
    assert len({EVENT.identity, moved.identity, *(other.identity for other in others)}) == 5


def test_the_digest_is_of_the_payload_as_it_came() -> None:
    assert replace(EVENT, data_bytes=b'{"a":1}').digest != replace(EVENT, data_bytes=b'{"a": 1}').digest
    assert len(EVENT.digest) == 32
