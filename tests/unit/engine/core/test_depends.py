"""`depends`: the grammar, and what each result accepts."""

import pytest

from eventflow.engine.core import depends
from eventflow.engine.core.depends import DependsError
from eventflow.engine.core.state import Node, NodeType, Phase


def results(phase: Phase, **children: int) -> depends.Results:
    kind = NodeType.TASK_GROUP if children else NodeType.POD
    node = Node(0, "A", "A", "A", kind, phase)
    return depends.results_of(node, {Phase(name): count for name, count in children.items()})


@pytest.mark.parametrize(
    ("text", "phase", "runs"),
    [
        ("A", Phase.SUCCEEDED, True),
        ("A", Phase.SKIPPED, True),
        ("A", Phase.OMITTED, False),
        ("A", Phase.FAILED, False),
        ("A.Failed", Phase.FAILED, True),
        ("A.Failed || A.Errored", Phase.ERROR, True),
        ("!A.Succeeded", Phase.FAILED, True),
        ("!(A || A.Failed)", Phase.FAILED, False),
        ("!!A", Phase.SUCCEEDED, True),
    ],
)
def test_a_result_decides(text: str, phase: Phase, runs: bool) -> None:
    assert depends.parse(text).test({"A": results(phase)}) is runs


def test_and_binds_tighter_than_or() -> None:
    parsed = depends.parse("A || B && C")
    outcome = {"A": results(Phase.SUCCEEDED), "B": results(Phase.FAILED), "C": results(Phase.FAILED)}
    assert parsed.test(outcome)
    assert parsed.names == ("A", "B", "C")


def test_all_failed_does_not_count_errors() -> None:
    assert depends.parse("A.AllFailed").test({"A": results(Phase.FAILED, Failed=2)})
    assert not depends.parse("A.AllFailed").test({"A": results(Phase.ERROR, Failed=1, Error=1)})
    assert depends.parse("A.AnySucceeded").test({"A": results(Phase.FAILED, Failed=9, Succeeded=1)})


@pytest.mark.parametrize("text", ["A &&", "&& A", "(A", "A)", "A B", "A, B", "A.Nope", '"A"', "a_b", " ", "A & B"])
def test_what_is_no_expression_is_refused_with_its_column(text: str) -> None:
    with pytest.raises(DependsError, match="column"):
        depends.parse(text)


def test_an_unknown_task_is_refused() -> None:
    with pytest.raises(DependsError, match="no task 'B'"):
        depends.parse("A && B", {"A": {}})


def test_deep_nesting_is_refused_not_crashed() -> None:
    with pytest.raises(DependsError, match="nested"):
        depends.parse("(" * 5000 + "A" + ")" * 5000)


def test_continue_on_widens_a_bare_name() -> None:
    parsed = depends.parse("A", {"A": {"failed": True}})
    assert parsed.expanded == "(A.Succeeded || A.Skipped || A.Daemoned || A.Failed)"
    assert parsed.test({"A": results(Phase.FAILED)})
