from typing import Any

import pytest

from eventflow.engine.performers import patches
from eventflow.errors import UserError


@pytest.mark.parametrize(
    ("target", "operations", "expected"),
    [
        ({"foo": "bar"}, [{"op": "add", "path": "/baz", "value": "qux"}], {"foo": "bar", "baz": "qux"}),
        ({"foo": ["a", "c"]}, [{"op": "add", "path": "/foo/1", "value": "b"}], {"foo": ["a", "b", "c"]}),
        ({"foo": ["a"]}, [{"op": "add", "path": "/foo/-", "value": ["b"]}], {"foo": ["a", ["b"]]}),
        ({"a": 1, "b": 2}, [{"op": "remove", "path": "/a"}], {"b": 2}),
        ({"l": [1, 2, 3]}, [{"op": "remove", "path": "/l/1"}], {"l": [1, 3]}),
        ({"a": 1}, [{"op": "replace", "path": "/a", "value": None}], {"a": None}),
        ({"l": [1, 2]}, [{"op": "replace", "path": "/l/0", "value": 9}], {"l": [9, 2]}),
        ({"a": {"b": 1}, "c": {}}, [{"op": "move", "from": "/a/b", "path": "/c/d"}], {"a": {}, "c": {"d": 1}}),
        ({"l": [1, 2, 3]}, [{"op": "move", "from": "/l/0", "path": "/l/2"}], {"l": [2, 3, 1]}),
        ({"a": [1]}, [{"op": "copy", "from": "/a", "path": "/b"}], {"a": [1], "b": [1]}),
        ({"a/b": 1, "m~n": 2}, [{"op": "test", "path": "/a~1b", "value": 1}], {"a/b": 1, "m~n": 2}),
        ({"m~1n": 1}, [{"op": "remove", "path": "/m~01n"}], {}),
        ({"a": 1}, [{"op": "replace", "path": "", "value": [1]}], [1]),
    ],
)
def test_json_patches_do_what_rfc_6902_says(target: Any, operations: Any, expected: Any) -> None:
    before = repr(target)
    assert patches.patched(target, operations) == expected
    assert repr(target) == before


@pytest.mark.parametrize(
    "operations",
    [
        [{"op": "add", "path": "/a/b/c", "value": 1}],
        [{"op": "remove", "path": "/nope"}],
        [{"op": "replace", "path": "/nope", "value": 1}],
        [{"op": "test", "path": "/x", "value": 2}],
        [{"op": "add", "path": "/l/5", "value": 1}],
        [{"op": "add", "path": "/l/01", "value": 1}],
        [{"op": "move", "from": "/o", "path": "/o/p"}],
        [{"op": "jump", "path": "/x"}],
        [{"op": "add", "path": "x", "value": 1}],
        [{"op": "add", "path": "/y"}],
        [{"path": "/y"}],
        {"op": "add"},
    ],
)
def test_a_json_patch_that_cannot_be_applied_is_refused(operations: Any) -> None:
    target = {"x": 1, "l": [1], "o": {"p": 1}}
    with pytest.raises(UserError, match=r"JSON patch"):
        patches.patched(target, operations)
    assert target == {"x": 1, "l": [1], "o": {"p": 1}}


@pytest.mark.parametrize(
    ("target", "patch", "expected"),
    [
        ({"a": "b"}, {"a": "c"}, {"a": "c"}),
        ({"a": "b", "b": "c"}, {"a": None}, {"b": "c"}),
        ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
        ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
        ({"a": [{"b": "c"}]}, {"a": [1]}, {"a": [1]}),
        ({"e": None}, {"a": 1}, {"e": None, "a": 1}),
        ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
    ],
)
def test_merge_patches_do_what_rfc_7386_says(target: Any, patch: Any, expected: Any) -> None:
    assert patches.merged(target, patch) == expected
