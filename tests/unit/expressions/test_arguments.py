"""Arguments into templates."""

from typing import Any

import pytest

from eventflow.expressions import arguments
from eventflow.expressions.errors import AbsentOptional, NotSupplied, TemplateError


def template(*parameters: dict[str, Any], **members: Any) -> dict[str, Any]:
    return {"name": "t", "inputs": {"parameters": list(parameters)}, **members}


def bind(tree: dict[str, Any], *given: dict[str, Any], **variables: str) -> dict[str, Any]:
    names = {key.replace("__", "."): value for key, value in variables.items()}
    return arguments.bind(tree, {"parameters": list(given)}, names, {})


def args(tree: dict[str, Any], *given: dict[str, Any], **variables: str) -> list[str]:
    return list(bind(tree, *given, **variables)["script"]["args"])


P = {"name": "p", "default": "d"}
BODY = {"script": {"args": ["{{inputs.parameters.p}}"]}}


@pytest.mark.parametrize(
    ("declared", "given", "expected"),
    [
        (P, [], "d"),
        ({"name": "p", "value": "v", "default": "d"}, [], "v"),
        (P, [{"name": "p", "value": "x"}], "x"),
        (P, [{"name": "p", "value": ""}], ""),
        (P, [{"name": "p"}], "d"),
        (P, [{"name": "p", "value": "1"}, {"name": "p", "value": "2"}], "1"),
        (P, [{"name": "p", "value": 1.5}], "1.5"),
        (P, [{"name": "p", "value": True}], "true"),
        (P, [{"name": "p", "value": 10000000}], "10000000"),
        (P, [{"name": "p", "value": arguments.ABSENT}], "d"),
        ({"name": "p", "default": 3}, [], "3"),
    ],
)
def test_where_a_value_comes_from(declared: dict[str, Any], given: list[dict[str, Any]], expected: str) -> None:
    bound = bind(template(declared, **BODY), *given)
    assert bound["script"]["args"] == [expected]
    assert bound["inputs"]["parameters"][0]["value"] == expected


def test_values_that_are_missing_or_wrong() -> None:
    with pytest.raises(NotSupplied, match=r"inputs\.parameters\.p was not supplied"):
        bind(template({"name": "p"}, **BODY))
    with pytest.raises(AbsentOptional):
        bind(template({"name": "p"}, **BODY), {"name": "p", "value": arguments.ABSENT})
    with pytest.raises(TemplateError, match="not slice"):
        bind(template(P, **BODY), {"name": "p", "value": [1]})


@pytest.mark.parametrize(
    "text", ["{{workflow.name}}", "{{=workflow.name}}", "{{inputs.parameters.p}}", "{{inputs.parameters.q}}", "{{"]
)
def test_arguments_are_data(text: str) -> None:
    tree = template(P, {"name": "q", "default": "secret"}, **BODY)
    bound = bind(tree, {"name": "p", "value": text}, workflow__name="w")
    assert bound["script"]["args"] == [text]
    assert bound["inputs"]["parameters"][0]["value"] == text


def test_global_values_are_data() -> None:
    tree = template(P, script={"args": ["{{workflow.parameters.x}}"]})
    assert args(tree, workflow__parameters__x="{{inputs.parameters.p}}") == ["{{inputs.parameters.p}}"]


def test_defaults_are_template_text() -> None:
    tree = template(
        {"name": "p", "default": "{{workflow.name}}-{{inputs.parameters.q}}"}, {"name": "q", "value": "1"}, **BODY
    )
    bound = bind(tree, workflow__name="w")
    assert bound["script"]["args"] == ["w-{{inputs.parameters.q}}"]
    assert bound["inputs"]["parameters"][0]["value"] == "w-1"


def test_all_inputs_are_one_text() -> None:
    tree = template(P, {"name": "q", "default": "<"}, script={"args": ["{{inputs.parameters}}"]})
    assert args(tree, {"name": "p", "value": "x"}) == [
        '[{"name":"p","default":"d","value":"x"},{"name":"q","default":"\\u003c","value":"\\u003c"}]'
    ]


def test_paths_are_variables() -> None:
    tree = template(
        P,
        script={"args": ["{{inputs.artifacts.a.path}} {{outputs.artifacts.o.path}} {{outputs.parameters.r.path}}"]},
        outputs={
            "artifacts": [{"name": "o", "path": "/{{workflow.name}}/o"}],
            "parameters": [{"name": "r", "valueFrom": {"path": "/r"}}],
        },
    )
    tree["inputs"]["artifacts"] = [{"name": "a", "path": "/a", "raw": {"data": ""}}]
    assert args(tree, workflow__name="w") == ["/a /w/o /r"]


def test_artifacts_keep_the_place_of_the_template() -> None:
    declared = [{"name": "a", "path": "/a", "mode": 7}]
    tree: dict[str, Any] = {"name": "t", "inputs": {"artifacts": declared}}
    given = {"artifacts": [{"name": "a", "path": "/x", "raw": {"data": "{{workflow.name}}"}}]}
    bound = arguments.bind(tree, given, {"workflow.name": "w"}, {})
    assert bound["inputs"]["artifacts"] == [
        {"name": "a", "raw": {"data": "{{workflow.name}}"}, "path": "/a", "mode": 7}
    ]
    with pytest.raises(NotSupplied, match="was not supplied"):
        arguments.bind(tree, {}, {}, {})
    with pytest.raises(NotSupplied, match="missing location"):
        arguments.bind(tree, {"artifacts": [{"name": "a"}]}, {}, {})
    declared[0]["optional"] = True
    assert arguments.bind(tree, {}, {}, {})["inputs"]["artifacts"] == declared


def test_config_maps_are_asked_with_their_tags_replaced() -> None:
    reference = {"name": "{{workflow.parameters.map}}", "key": "k"}
    tree = template({"name": "p", "valueFrom": {"configMapKeyRef": reference, "default": "d"}}, **BODY)
    known = {("m", "k"): "{{from the map}}"}
    prepared = arguments.prepare(tree)

    def ask(name: str) -> list[str]:
        lookup = {"workflow.parameters.map": name}
        bound = prepared.bind({}, lookup, config_map=lambda map_name, key: known.get((map_name, key)))
        return list(bound.template["script"]["args"])

    assert ask("m") == ["{{from the map}}"]
    assert ask("other") == ["d"]


def test_a_prepared_template_is_bound_often_and_never_changed() -> None:
    tree = template(P, **BODY)
    prepared = arguments.prepare(tree)
    first = prepared.bind({"parameters": [{"name": "p", "value": "1"}]}, {})
    second = prepared.bind({"parameters": [{"name": "p", "value": "2"}]}, {})
    assert (first.template["script"]["args"], second.template["script"]["args"]) == (["1"], ["2"])
    assert tree == template(P, **BODY)
    assert first.scope["inputs.parameters.p"] == "1"


def test_deferred_members_wait_for_their_own_rendering() -> None:
    tree = template(P, steps=[[{"name": "s", "arguments": "{{inputs.parameters.p}} {{steps.x.outputs.result}}"}]])
    bound = arguments.prepare(tree, deferred=("steps",)).bind(
        {"parameters": [{"name": "p", "value": "{{steps.x.id}}"}]}, {}
    )
    assert bound.template["steps"] == tree["steps"]
    assert "steps.x.outputs.result" not in arguments.prepare(tree, deferred=("steps",)).references()


def test_nested_tags_are_resolved_at_once() -> None:
    tree = template(P, script={"args": ["{{inputs.parameters.{{workflow.parameters.which}}}}"]})
    assert args(tree, workflow__parameters__which="p") == ["d"]


def test_nested_tags_over_inputs_wait_for_another_pass() -> None:
    tree = template(P, script={"args": ["{{inputs.parameters.{{inputs.parameters.p}}}}"]})
    assert args(tree, {"name": "p", "value": "q"}) == ["{{inputs.parameters.q}}"]


def test_a_config_map_that_nobody_can_ask_leaves_the_default() -> None:
    declared = {"name": "p", "default": "d", "valueFrom": {"configMapKeyRef": {"name": "m", "key": "k"}}}
    assert args(template(declared, **BODY)) == ["d"]
