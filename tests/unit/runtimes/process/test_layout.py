"""Names and places."""

from pathlib import Path

import pytest

from eventflow.errors import UserError
from eventflow.model.pod import Pod
from eventflow.runtimes.process.images import Images
from eventflow.runtimes.process.layout import Layout, checked_container, checked_pod
from eventflow.runtimes.process.settings import ProcessSettings
from eventflow.runtimes.process.staged import Ground
from eventflow.runtimes.process.toolbox import Toolbox


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "../a", "a b", "-a", "a" * 254, "a\n"])
def test_names_that_lead_elsewhere(name: str) -> None:
    with pytest.raises(UserError):
        checked_pod(name)
    with pytest.raises(UserError):
        checked_container(name)


def test_names_of_directories_that_a_pod_has() -> None:
    with pytest.raises(UserError):
        checked_container("volumes")
    assert checked_container("main") == "main"


def test_logs_of_a_workflow_with_an_odd_uid_stay_in_their_place() -> None:
    assert Layout(Path("/d")).pod_logs("../x", "p") == Path("/d/logs/___x/p")


def test_uids_differ_between_data_directories() -> None:
    pod = Pod("p", "ns", "wf", "uid", "node", "wf.node", {})

    def uid(directory: str) -> str:
        tools = Toolbox(Path("/t"), ())
        return Ground(ProcessSettings(), Layout(Path(directory)), None, tools, Images(), "host").uid(pod)

    assert uid("/a") == uid("/a")
    assert uid("/a") != uid("/b")
