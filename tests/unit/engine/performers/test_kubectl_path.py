import pytest

from eventflow.engine.performers import kubectl_path
from eventflow.errors import UserError

OBJECT = {
    "metadata": {"name": "web", "annotations": {"example.com/team": "core"}},
    "status": {
        "ready": True,
        "replicas": 3,
        "conditions": [{"type": "Complete", "status": "True"}, {"type": "Failed", "status": "False"}],
    },
    "items": [{"n": "a"}, {"n": "b", "m": 1}],
}


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("{.metadata.name}", "web"),
        ("{ .metadata.name }", "web"),
        ("{$.metadata.name}", "web"),
        ("{.metadata['name']}", "web"),
        (r"{.metadata.annotations.example\.com/team}", "core"),
        ("{.status.replicas}/{.status.ready}", "3/true"),
        ("{.items[*].n}", "a b"),
        ("{.items[1].n}", "b"),
        ("{.items[-1:].n}", "b"),
        ("{.items[0]}", '{"n":"a"}'),
        ("{..n}", "a b"),
        ('{.status.conditions[?(@.type=="Complete")].status}', "True"),
        ('{.status.conditions[?(@.type=="Nope")].status}', ""),
        ("{.nothing.here}", ""),
        (".metadata.name", ".metadata.name"),
        ('{range .items[*]}{.n}={.m}{"\\n"}{end}end', "a=\nb=1\nend"),
        ("{range .nothing[*]}{.n}{end}", ""),
        ("{range .items[*]}[{range .n}{@}{end}]{end}", "[a][b]"),
        ('{"a }"}{.metadata.name}', "a }web"),
    ],
)
def test_templates_give_what_kubectl_prints(template: str, expected: str) -> None:
    assert kubectl_path.expand(template, OBJECT) == expected


@pytest.mark.parametrize("template", ["{.a", "{range .items[*]}{.n}", "{end}", "{name}", "{.items[}"])
def test_a_broken_template_is_refused(template: str) -> None:
    with pytest.raises(UserError):
        kubectl_path.expand(template, OBJECT)
