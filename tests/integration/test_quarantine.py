"""A workflow that eventflow itself cannot go on with: it ends, says why, and harms nothing else."""

from pathlib import Path

import pytest

from eventflow.clock import SystemClock
from eventflow.engine import service
from eventflow.engine.core.machine import Workflow
from eventflow.errors import InvariantError
from eventflow.local import open_local

MANIFEST = {
    "metadata": {"name": "broken"},
    "spec": {
        "entrypoint": "main",
        "templates": [{"name": "main", "container": {"image": "busybox", "command": ["true"]}}],
    },
}


async def test_a_broken_workflow_ends_as_an_error_and_others_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "MOST_FALLS", 1)
    handle = Workflow.take

    def take(self: Workflow, stimulus: object) -> None:
        if self.state.name == "broken":
            raise InvariantError("this cannot be")
        handle(self, stimulus)  # type: ignore[arg-type]

    monkeypatch.setattr(Workflow, "take", take)
    async with open_local(tmp_path, SystemClock()) as local:
        broken = await local.submit(MANIFEST, key="1")
        sound = await local.submit({**MANIFEST, "metadata": {"name": "sound"}}, key="2")
        assert (await local.finish(sound))["status"]["phase"] == "Succeeded"
        status = (await local.finish(broken))["status"]
        assert status["phase"] == "Error"
        assert "this cannot be" in status["message"]


async def test_a_workflow_that_cannot_be_restored_does_not_keep_the_server_from_starting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    waiting = {
        "metadata": {"name": "waiting"},
        "spec": {"entrypoint": "main", "templates": [{"name": "main", "suspend": {}}]},
    }
    async with open_local(tmp_path, SystemClock()) as local:
        header = await local.submit(waiting, key="1")

    def restore(self: Workflow, at: float) -> None:
        raise InvariantError("no way back")

    monkeypatch.setattr(Workflow, "restore", restore)
    async with open_local(tmp_path, SystemClock()) as local:
        status = (await local.finish(header))["status"]
    assert status["phase"] == "Error"
    assert "no way back" in status["message"]
