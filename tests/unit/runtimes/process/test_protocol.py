"""Lines between server and supervisor."""

import pytest

from eventflow.runtimes.process import protocol
from eventflow.runtimes.process.protocol import Lines


@pytest.mark.parametrize("size", [1, 2, 7, 1000])
def test_lines_are_cut_wherever_the_stream_is(size: int) -> None:
    messages = [{"op": "stop", "name": f"pod-{number}", "text": "ä\n\u2028"} for number in range(5)]
    stream = b"".join(protocol.encode(message) for message in messages)
    lines = Lines()
    found = [line for at in range(0, len(stream), size) for line in lines.feed(stream[at : at + size])]
    assert [protocol.decode(line) for line in found] == messages


def test_what_is_no_message() -> None:
    for line in (b"", b"[]", b"{"):
        with pytest.raises(ValueError):
            protocol.decode(line)
