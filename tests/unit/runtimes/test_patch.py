"""Strategic merge patches."""

from typing import Any

import pytest

from eventflow.errors import UserError
from eventflow.runtimes.patch import apply

TARGET: dict[str, Any] = {
    "containers": [{"name": "main", "image": "a", "env": [{"name": "X", "value": "1"}], "args": ["1", "2"]}],
    "volumes": [{"name": "v", "emptyDir": {}}],
}


def test_lists_are_merged_by_their_key_and_others_replaced() -> None:
    patched = apply(
        TARGET, 'containers: [{name: main, env: [{name: Y, value: "2"}, {name: X, value: "3"}], args: [z]}]'
    )
    (main,) = patched["containers"]
    assert main["env"] == [{"name": "X", "value": "3"}, {"name": "Y", "value": "2"}]
    assert (main["image"], main["args"]) == ("a", ["z"])
    assert TARGET["containers"][0]["args"] == ["1", "2"]


def test_null_and_delete_remove() -> None:
    patched = apply(TARGET, 'containers: [{name: main, image: null}]\nvolumes: [{name: v, "$patch": delete}]')
    assert "image" not in patched["containers"][0]
    assert patched["volumes"] == []


def test_maps_can_be_replaced() -> None:
    target = {"containers": [{"name": "main", "resources": {"limits": {"cpu": 1}}}]}
    patch = '{"containers": [{"name": "main", "resources": {"$patch": "replace", "requests": {"cpu": 2}}}]}'
    assert apply(target, patch)["containers"][0]["resources"] == {"requests": {"cpu": 2}}


@pytest.mark.parametrize("patch", ["{", "[1]", "containers: [{image: x}]"])
def test_a_bad_patch_is_the_users_error(patch: str) -> None:
    with pytest.raises(UserError, match="podSpecPatch"):
        apply(TARGET, patch)


def test_an_empty_patch_changes_nothing() -> None:
    assert apply(TARGET, "") == TARGET
