"""Documents: the decoded value and the sender's text side by side."""

import pytest

from eventflow.model.cloudevent import CloudEvent
from eventflow.model.document import Document, InvalidJson, dumps, loads, locate
from eventflow.model.event import Event


def test_the_first_of_equal_keys_counts_and_integers_keep_their_digits() -> None:
    assert loads('{"a":1,"a":2,"b":123456789012345678901}') == {"a": 1, "b": 123456789012345678901}


@pytest.mark.parametrize("text", ["", "{", "NaN", '{"a":Infinity}', "[1,]", "\ufeff{}", '{"a":"\\u12"}', "1 2"])
def test_refuses(text: str) -> None:
    with pytest.raises(InvalidJson):
        loads(text)
    assert not Document(text).valid


def test_a_lone_surrogate_survives() -> None:
    value = loads('{"a":"\\ud800"}')
    assert dumps(value) == '{"a":"\\ud800"}'


def test_locate_finds_the_first_of_equal_keys() -> None:
    text = ' { "a" : [ 1 , { "b" : "x" } ] , "a" : 2 } '
    start, end = locate(text, ("a", 1, "b"))
    assert text[start:end] == '"x"'
    with pytest.raises(KeyError):
        locate(text, ("a", 5))
    with pytest.raises(KeyError):
        locate(text, ("a", "b"))


def test_view_of_a_stored_event() -> None:
    event = Event("1", "s", "t", "hooks", "push", "k", b'{"a":1}', received_at=1_709_634_600.0)
    view = CloudEvent.of(event)
    assert view.subject == "push"
    assert view.time == "2024-03-05T10:30:00Z"
    assert view.data is not None
    assert view.data.value == {"a": 1}
    assert view.key == event.identity


@pytest.mark.parametrize(
    ("time", "shown"),
    [
        ("2024-03-05T10:30:00.5+09:00", "2024-03-05T01:30:00.500000Z"),
        ("2024-03-05T10:30:00Z", "2024-03-05T10:30:00Z"),
        ("yesterday", "yesterday"),
        ("", None),
    ],
)
def test_context_time_is_utc(time: str, shown: str | None) -> None:
    assert CloudEvent("1", "s", time=time).context()["time"] == shown
