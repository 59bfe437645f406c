"""SJSON writes: places, escapes and refusals that the recorded tables do not try."""

import pytest

from eventflow.expressions import sjson


@pytest.mark.parametrize(
    ("document", "path", "written"),
    [
        ('{ "a" : 1.50 , "b":[1]}', "a", '{ "a" : "v" , "b":[1]}'),
        ('{"a":[]}', "a.-1.x", '{"a":[{"x":"v"}]}'),
        ('{"a":[0]}', "a.2", '{"a":[0,null,"v"]}'),
        ("", "a.:0", '{"a":{"0":"v"}}'),
        ("", "1", '[null,"v"]'),
        ('{"a.b":{"c*":1}}', r"a\.b.c\*", '{"a.b":{"c*":"v"}}'),
        ('{"l":[{"k":1,"n":1},{"k":2,"n":1}]}', "l.#(k==2).n", '{"l":[{"k":1,"n":1},{"k":2,"n":"v"}]}'),
        ('{"l":[{"n":1},{"n":2}]}', "l.#.n", '{"l":[{"n":"v"},{"n":"v"}]}'),
        ('{"l":[{"n":1},{"n":2}]}', "l.#(n>0)#.n", '{"l":[{"n":"v"},{"n":"v"}]}'),
    ],
)
def test_writes(document: str, path: str, written: str) -> None:
    assert sjson.set_text(document, path, "v") == written


@pytest.mark.parametrize("path", ["", ".a", "a..b", "a.", "l.x", "l.99999", "nope*", "l|0", "@this", "l.#"])
def test_refuses_what_the_peer_ignores(path: str) -> None:
    with pytest.raises(sjson.BadDestination):
        sjson.set_text('{"l":[1]}', path, "v")


def test_text_that_needs_escapes_is_spelled_as_go_spells_it() -> None:
    assert sjson.quote("<a&b>") == '"<a&b>"'
    assert sjson.quote('<"é">') == '"\\u003c\\"é\\"\\u003e"'
