"""Tags over trees."""

from typing import Any

import pytest

from eventflow.expressions import tags, template
from eventflow.expressions.errors import AbsentOptional, MissingVariable, TemplateError
from eventflow.expressions.scope import Scope


def lenient(tree: Any, **lookup: Any) -> Any:
    return template.substitute(
        tree, {key.replace("__", "."): value for key, value in lookup.items()}, allow_unresolved=True
    )


def strict(tree: Any, lookup: dict[str, Any]) -> Any:
    return template.substitute(tree, lookup, allow_unresolved=False)


NASTY = ["{{b}}", "{{=1+1}}", '"', "\\", "a\nb", "\x00\x1b[0m\x7f", "\U000e0001🫩", "}}", "{{", "\u2028", "\ud800"]


@pytest.mark.parametrize("value", NASTY)
def test_values_are_inserted_as_they_are(value: str) -> None:
    assert strict({"v": ["<{{a}}>", "{{ a }}"]}, {"a": value, "b": "no"}) == {"v": [f"<{value}>", value]}


@pytest.mark.parametrize("value", NASTY[:-1])
def test_expressions_insert_texts_as_they_are(value: str) -> None:
    assert strict("{{=a}}", {"a": value}) == value


def test_only_what_has_tags_is_new() -> None:
    tree: dict[str, Any] = {"plain": {"deep": [1, None, "x"]}, "tagged": ["{{a}}", {"kept": []}]}
    compiled = template.compile_tree(tree)
    result = compiled.render({"a": "1"})
    assert result == {"plain": {"deep": [1, None, "x"]}, "tagged": ["1", {"kept": []}]}
    assert result["plain"] is tree["plain"]
    assert result["tagged"][1] is tree["tagged"][1]
    assert tree["tagged"][0] == "{{a}}"
    assert template.compile_tree({"x": 1}).render({}) is not None
    untouched = {"x": "{ }"}
    assert template.substitute(untouched, {}, allow_unresolved=False) is untouched


def test_keys_keep_their_order() -> None:
    assert list(lenient({"x": 1, "{{a}}": 2, "y": "{{a}}"}, a="k")) == ["x", "k", "y"]


def test_unknown_tags_stay_or_are_missing() -> None:
    assert lenient("a {{ nope }} {{a}}", a="b") == "a {{ nope }} b"
    with pytest.raises(MissingVariable) as caught:
        strict({"spec": {"args": ["x", "{{nope}}"]}}, {})
    assert caught.value.names == ("nope",)
    assert caught.value.location is not None
    assert caught.value.location.file == "spec.args[1]"


def test_strict_prefixes_hold_for_whole_parts() -> None:
    tree = "{{tasksA.x}} {{tasks.a.outputs.artifacts.x}}"
    assert template.substitute(tree, {}, allow_unresolved=True, strict_prefixes=("tasks",)) == tree
    for wrong in ("{{tasks.a}}", "{{=tasks.a.b}}", "{{=tasks.a.outputs.artifacts.x}}"):
        with pytest.raises(MissingVariable):
            template.substitute(wrong, {}, allow_unresolved=True, strict_prefixes=("tasks",))


def test_absent_optionals_are_terminal() -> None:
    for tree in ("{{a.b}}", "{{=a.b}}", "{{x.{{a.b}}}}"):
        with pytest.raises(AbsentOptional):
            lenient(tree, a__b=None)
    assert lenient('{{=a.b ?? "none"}}', a__b=None) == "none"


def test_expressions_wait_for_late_names() -> None:
    for tree in (
        '{{=item + "x"}}',
        '{{=retries ?? "0"}}',
        '{{=workflow.status == "x" ? 1 : 2}}',
        "{{=lastRetry.exitCode}}",
    ):
        assert lenient(tree, workflow__name="w") == tree
    assert lenient("{{=workflow.name + workflow.nope}}", workflow__name="w") == "{{=workflow.name + workflow.nope}}"


@pytest.mark.parametrize("source", ['asInt("x")', "1 / 0", 'fromJSON("bad")', 'sprig.fail("x")', "asInt(a) + 1"])
def test_real_errors_are_seen_in_lenient_passes(source: str) -> None:
    with pytest.raises(TemplateError) as caught:
        lenient(f"{{{{={source}}}}}", a="x")
    assert not isinstance(caught.value, MissingVariable)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('{{={"a": {"b": 1}}}}', '{"a":{"b":1}}'),
        ('{{="}}"}}', "}}"),
        ('{{=if 1 > 2 { "a" } else { "b" }}} }}', "b }}"),
        ('{{=toJson(map([0], {{"i": #}}))}}', '[{"i":0}]'),
        ("{{=1}}}}", "1}}"),
        ('{{=date("2024-03-05")}}', "2024-03-05T00:00:00Z"),
    ],
)
def test_expressions_end_where_they_are_whole(text: str, value: str) -> None:
    assert strict(text, {}) == value


def test_what_is_no_expression_is_an_error_in_any_mode() -> None:
    for mode in (True, False):
        with pytest.raises(TemplateError, match="no expression"):
            template.substitute({"a": "{{=1 +}}"}, {}, allow_unresolved=mode)


def test_a_tag_that_is_never_closed_is_an_error_with_its_place() -> None:
    with pytest.raises(TemplateError, match="never closed") as caught:
        template.compile_tree({"a": [{"b": "x {{y"}]})
    assert caught.value.location is not None
    assert caught.value.location.file == "a[0].b"


def test_nested_tags_resolve_one_level_or_all() -> None:
    lookup = {"b": "x", "a.x.c": "y"}
    assert template.substitute("{{a.{{b}}.c}}", lookup, allow_unresolved=True) == "{{a.x.c}}"
    assert template.compile_tree("{{a.{{b}}.c}}").render(lookup, deep=True) == "y"
    assert (
        template.compile_tree("{{a.{{b}}.c}}").render({"b": "}}{{secret", "secret": "s"}, deep=True)
        == "{{a.}}{{secret.c}}"
    )


def test_references_name_simple_tags_and_variables() -> None:
    tree = {
        "a": "{{steps.x.outputs.result}}",
        "b": ["{{=steps['y-z'].outputs.result ?? item}}", "{{ x.{{y}} }}"],
        "{{k}}": 1,
    }
    assert template.references(tree) == {"steps.x.outputs.result", "steps.y-z.outputs.result", "item", "y", "k"}


def test_errors_are_told_without_variables() -> None:
    tree = {"ok": "{{=a + 1}}", "bad": '{{="a" + 1}}', "worse": "{{=1 +}}"}
    found = {str(error.location): error.message for error in template.compile_tree(tree).errors()}
    assert set(found) == {"bad", "worse"}
    assert "mismatched types" in found["bad"]


def test_equal_texts_in_two_places_report_their_own() -> None:
    places = [error.location for error in template.compile_tree(["{{=1 +}}", "{{=1 +}}"]).errors()]
    assert [str(place) for place in places] == ["[0]", "[1]"]


def test_texts_without_tags_cost_nothing() -> None:
    assert tags.parse("{ a } }} b") is None


def test_scopes_nest_and_hide() -> None:
    outer = Scope({"a.b": "1", "a.c": "2", "x": "top", "x.y": "deep", "n": "outer"})
    inner = Scope({"a.b": "9", "n": "inner"}, outer)
    assert inner.root("a") == {"b": "9", "c": "2"}
    assert outer.root("a") == {"b": "1", "c": "2"}
    assert outer.root("x") == {"y": "deep"}
    assert outer["x"] == "top"
    assert inner["n"] == "inner"
    assert sorted(inner) == ["a.b", "a.c", "n", "x", "x.y"]
    assert inner.has("a.c")
    assert not inner.has("a.c.d")
    assert not inner.has("z")
    assert inner.get("z", 1) == 1
