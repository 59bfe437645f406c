"""The environment of containers."""

from typing import Any

import pytest

from eventflow.errors import UserError
from eventflow.model.pod import Pod
from eventflow.runtimes import environment
from eventflow.runtimes.containers import Container
from eventflow.runtimes.environment import Facts

FACTS = Facts(Pod("p", "ns", "wf", "uid", "node", "wf.node", {}, labels={"a": "1"}), "pod-uid", "host")


def env_of(spec: dict[str, Any], objects: environment.Objects | None = None) -> dict[str, str]:
    return environment.of_container(Container("main", "main", spec), FACTS, objects or {}, {"BASE": "b"})


@pytest.mark.parametrize(
    ("text", "expanded"),
    [
        ("$(A)", "x"),
        ("$$(A)", "$(A)"),
        ("$$$(A)", "$x"),
        ("$(B)", "$(B)"),
        ("$A ${A}", "$A ${A}"),
        ("a$", "a$"),
        ("$$", "$"),
        ("$(A", "$(A"),
    ],
)
def test_dependent_variables(text: str, expanded: str) -> None:
    assert environment.expand(text, {"A": "x"}) == expanded


def test_a_variable_sees_only_those_before_it() -> None:
    env = env_of(
        {"env": [{"name": "L", "value": "$(K)"}, {"name": "K", "value": "k$(BASE)"}, {"name": "M", "value": "$(K)"}]}
    )
    assert env == {"BASE": "b", "L": "$(K)", "K": "kb", "M": "kb"}


def test_env_wins_over_env_from() -> None:
    objects = {("ConfigMap", "c"): {"kind": "ConfigMap", "data": {"X": "from", "Y": "y"}}}
    env = env_of({"envFrom": [{"configMapRef": {"name": "c"}}], "env": [{"name": "X", "value": "own"}]}, objects)
    assert (env["X"], env["Y"]) == ("own", "y")


def test_values_that_are_no_text() -> None:
    assert env_of({"env": [{"name": "N", "value": 1}, {"name": "E"}]}) == {"BASE": "b", "N": "1", "E": ""}


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("metadata.name", "p"),
        ("metadata.namespace", "ns"),
        ("metadata.uid", "pod-uid"),
        ("metadata.labels['a']", "1"),
        ("metadata.annotations['none']", ""),
        ("metadata.labels", 'a="1"'),
        ("spec.nodeName", "host"),
        ("status.podIP", "127.0.0.1"),
    ],
)
def test_fields(path: str, value: str) -> None:
    assert FACTS.field(path) == value


def test_an_unknown_field_is_the_users_error() -> None:
    with pytest.raises(UserError, match=r"spec\.color"):
        FACTS.field("spec.color")


def test_resources() -> None:
    spec = {
        "resources": {"limits": {"memory": "1Gi", "cpu": "250m"}},
        "env": [
            {"name": "M", "valueFrom": {"resourceFieldRef": {"resource": "limits.memory", "divisor": "1Mi"}}},
            {"name": "C", "valueFrom": {"resourceFieldRef": {"resource": "limits.cpu"}}},
        ],
    }
    env = env_of(spec)
    assert (env["M"], env["C"]) == ("1024", "1")


def test_a_missing_key() -> None:
    objects = {("ConfigMap", "c"): {"kind": "ConfigMap", "data": {}}}
    reference = {"name": "X", "valueFrom": {"configMapKeyRef": {"name": "c", "key": "k"}}}
    with pytest.raises(UserError, match="couldn't find key k in ConfigMap ns/c"):
        env_of({"env": [reference]}, objects)


def test_a_secret_is_base64_and_string_data_is_not() -> None:
    manifest = {"kind": "Secret", "data": {"a": "QQ=="}, "stringData": {"b": "B"}}
    assert environment.data_of(manifest) == {"a": b"A", "b": b"B"}
    with pytest.raises(UserError, match="base64"):
        environment.data_of({"kind": "Secret", "metadata": {"name": "s"}, "data": {"a": "A"}})


def test_references_are_found() -> None:
    spec = {
        "envFrom": [{"secretRef": {"name": "s"}}],
        "env": [{"name": "X", "valueFrom": {"configMapKeyRef": {"name": "c", "key": "k"}}}],
    }
    assert environment.references([Container("main", "main", spec)]) == {("Secret", "s"), ("ConfigMap", "c")}


def test_a_template_that_is_too_long_for_a_variable() -> None:
    pod = Pod("p", "ns", "wf", "uid", "node", "wf.node", {"container": {"args": ["x" * (128 << 10)]}})
    assert environment.argo(pod, "uid")["ARGO_TEMPLATE"] == "offloaded"
