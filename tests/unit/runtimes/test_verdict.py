"""How a pod ended, from how its containers did."""

import pytest

from eventflow.runtimes.verdict import Ended, exit_code, of_container, of_pod

OK = Ended("main", "main", 0, "Completed")


@pytest.mark.parametrize(
    ("ends", "outcome", "message"),
    [
        ([OK], "Succeeded", ""),
        ([Ended("main", "main", 1, "Error")], "Failed", "main: Error (exit code 1)"),
        ([Ended("main", "main", 137, "OOMKilled")], "Failed", "main: OOMKilled (exit code 137)"),
        ([Ended("main", "main", 64, "Error", "why")], "Failed", "main: Error (exit code 64): why"),
        ([Ended("side", "sidecar", 1, "Error"), OK], "Failed", "side: Error (exit code 1)"),
        ([Ended("side", "sidecar", 137, "Error"), OK], "Succeeded", ""),
        ([Ended("side", "sidecar", 143, "Error"), OK], "Succeeded", ""),
        (
            [Ended("side", "sidecar", 1, "Error"), Ended("main", "main", 2, "Error")],
            "Failed",
            "main: Error (exit code 2)",
        ),
        ([OK, Ended("i", "init", 3, "Error")], "Failed", "i: Error (exit code 3)"),
        ([Ended("main", "main", None), Ended("i", "init", 3, "Error")], "Failed", "i: Error (exit code 3)"),
        (
            [Ended("main", "main", 64, "Error", "no box", runtime_failed=True)],
            "Error",
            "main: Error (exit code 64): no box",
        ),
    ],
)
def test_of_pod(ends: list[Ended], outcome: str, message: str) -> None:
    assert of_pod(ends) == (outcome, message)


def test_children_of_a_set() -> None:
    assert of_container(OK).outcome == "Succeeded"
    failed = of_container(Ended("a", "main", 2, "Error"))
    assert (failed.outcome, failed.message) == ("Failed", "a: Error (exit code 2): ")
    assert of_container(Ended("a", "main", 64, "Error", "x")).outcome == "Error"
    assert of_container(Ended("a", "main", None)).outcome == "Failed"


def test_the_exit_code_is_that_of_main() -> None:
    assert exit_code([Ended("a", "main", 1), Ended("main", "main", 5)]) == 5
    assert exit_code([Ended("a", "main", 1)]) is None
