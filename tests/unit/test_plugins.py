"""The registry: what is known, what is missing, what replaces what."""

import sys
from importlib import metadata
from pathlib import Path

import pytest

from eventflow.errors import NotFound, UserError
from eventflow.plugins import MissingExtra, Registry


def _registry(**targets: str) -> Registry[object]:
    return Registry("thing", "eventflow.test-things", targets)


def test_a_plugin_is_imported_once_and_only_when_asked_for() -> None:
    sys.modules.pop("colorsys", None)
    registry = _registry(colour="colorsys:rgb_to_hsv", other="nosuchmodule:X")
    assert list(registry) == ["colour", "other"]
    assert "colour" in registry
    assert "colorsys" not in sys.modules
    assert registry.load("colour") is registry.load("colour")


def test_an_unknown_name_lists_the_known_ones_and_the_nearest() -> None:
    with pytest.raises(
        NotFound, match=r"no thing is called 'webhok' \(did you mean 'webhook'\? known: kafka, webhook\)"
    ):
        _registry(webhook="x:Y", kafka="x:Z").load("webhok")


def test_a_missing_library_names_the_extra_to_install() -> None:
    with pytest.raises(MissingExtra, match=r"needs the package 'nosuchmodule'.*pip install 'eventflow\[kafka\]'"):
        _registry(kafka="nosuchmodule.client:PLUGIN [kafka]").load("kafka")


@pytest.mark.parametrize(
    ("target", "said"),
    [
        ("colorsys:nothing", "does not exist"),
        ("colorsys", "not of the form"),
        ("nosuchmodule:X", "cannot be imported"),
        ("eventflow.nosuch:X [extra]", "cannot be imported"),
    ],
)
def test_a_target_that_leads_nowhere_says_so(target: str, said: str) -> None:
    with pytest.raises(UserError, match=said) as caught:
        _registry(broken=target).load("broken")
    assert not isinstance(caught.value, MissingExtra)


def test_an_error_inside_a_plugin_is_its_own(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "broken_plugin_module.py").write_text("None.attribute\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(AttributeError):
        _registry(broken="broken_plugin_module:PLUGIN").load("broken")


def test_installed_entry_points_replace_built_in_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    point = metadata.EntryPoint("colour", "colorsys:hsv_to_rgb", "eventflow.test-things")
    monkeypatch.setattr(metadata, "entry_points", lambda group: [point] if group == "eventflow.test-things" else [])
    import colorsys

    assert _registry(colour="colorsys:rgb_to_hsv").load("colour") is colorsys.hsv_to_rgb


def test_a_plugin_at_hand_can_be_added() -> None:
    registry = _registry()
    registry.add("mine", "plugin")
    assert registry.load("mine") == "plugin"
    assert list(registry) == ["mine"]
