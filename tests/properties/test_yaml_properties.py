"""The positional loader against PyYAML's own writer and the standard JSON module, on trees nobody thought of."""

import json
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from eventflow.errors import Location
from eventflow.model import yaml_loader
from eventflow.model.source import Document, UnreadableText
from eventflow.model.yaml_loader import MAX_DEPTH

texts = st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc", "Cn", "Co"), exclude_characters="\ufeff"))
scalars = st.one_of(st.none(), st.booleans(), st.integers(-(2**63), 2**63 - 1), texts)
trees = st.recursive(scalars, lambda inner: st.one_of(st.lists(inner), st.dictionaries(texts, inner)), max_leaves=30)
roots = st.one_of(st.lists(trees, min_size=1), st.dictionaries(texts, trees, min_size=1))


def places(document: Document, value: Any, path: tuple[str | int, ...] = ()) -> list[tuple[int, int]]:
    """Return where every value stands, in the order of the tree."""
    where = document.locate(path)
    found = [(where.line, where.column)]
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for step, item in inner:
        found += places(document, item, (*path, step))
    return found


@settings(deadline=None, max_examples=150)
@given(roots)
def test_what_pyyaml_writes_is_read_back(tree: Any) -> None:
    text = yaml.safe_dump(tree, default_style='"', sort_keys=False, allow_unicode=True)
    (document,) = yaml_loader.load(text, "f.yaml")
    assert document.tree == tree
    found = places(document, tree)
    assert found == sorted(found)


@settings(deadline=None, max_examples=150)
@given(roots, st.sampled_from([None, 0, 2]))
def test_json_is_read_with_places_in_order(tree: Any, indent: int | None) -> None:
    (document,) = yaml_loader.load(json.dumps(tree, indent=indent), "f.json")
    assert document.tree == tree
    found = places(document, tree)
    assert len(set(found)) == len(found)
    assert found == sorted(found)


@settings(deadline=None, max_examples=200)
@given(st.text(alphabet="ab:-[]{}\"'|>&*!#%@`,? \n\t1.~<", max_size=60))
def test_no_text_breaks_the_loader(text: str) -> None:
    """Any text is either read or refused with a place."""
    refused: Location | None = Location("", 1)
    read: list[Any] = []
    try:
        read = [document.tree for document in yaml_loader.load(text, "f.yaml")]
    except UnreadableText as error:
        refused = error.location
    assert refused is not None
    for tree in read:
        assert depth(tree) <= MAX_DEPTH + 1


def depth(tree: Any) -> int:
    inner = tree.values() if isinstance(tree, dict) else tree if isinstance(tree, list) else ()
    return 1 + max(map(depth, inner), default=0)


def test_the_parser_without_libyaml_gives_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    text = "a: &x [1, yes, {b: 'c'}]\nd: *x\ne: |\n  f\n---\n- g\n"
    fast = yaml_loader.load(text, "f.yaml")
    monkeypatch.setattr(yaml_loader, "_PARSER", yaml.SafeLoader)
    assert yaml_loader.load(text, "f.yaml") == fast
