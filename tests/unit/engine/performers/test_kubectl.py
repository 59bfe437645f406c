import pytest

from eventflow.engine.performers import kubectl
from eventflow.engine.performers.kubectl import Arguments, Refused


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        ([], Arguments()),
        (["workflow", "w"], Arguments("Workflow", ("w",))),
        (["wf/w"], Arguments("Workflow", ("w",))),
        (["configmaps", "a", "b", "-n", "x"], Arguments("ConfigMap", ("a", "b"), namespace="x")),
        (["cm", "--selector", "a=b"], Arguments("ConfigMap", selector="a=b")),
        (["cm", "--selector=a=b,c"], Arguments("ConfigMap", selector="a=b,c")),
        (["--validate=false"], Arguments()),
        (
            ["cronworkflows.argoproj.io", "--all", "--cascade", "orphan"],
            Arguments("CronWorkflow", all=True),
        ),
        (["pod", "p"], Arguments("Pod", ("p",))),
    ],
)
def test_flags_are_read_as_kubectl_reads_them(flags: list[str], expected: Arguments) -> None:
    assert kubectl.arguments(flags) == expected


def test_an_unknown_type_is_refused_in_kubectls_words() -> None:
    with pytest.raises(Refused, match='the server doesn\'t have a resource type "gizmos"'):
        kubectl.arguments(["gizmos", "g"])


@pytest.mark.parametrize(
    ("selector", "fits"),
    [
        ("", True),
        ("app=web", True),
        ("app=web,tier!=db", True),
        ("app in (web, api)", True),
        ("app notin (web)", False),
        ("!app", False),
        ("missing", False),
        ("missing!=x", True),
        ("size>3", True),
        ("size<3", False),
    ],
)
def test_label_selectors(selector: str, fits: bool) -> None:
    assert kubectl.fits(selector, {"app": "web", "size": "5"}) is fits
