"""The claims of workflows: made once, kept from others, swept up after a crash."""

from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from eventflow.clock import SystemClock
from eventflow.engine import submission
from eventflow.engine.claims import Claims
from eventflow.engine.submission import Request
from eventflow.errors import UserError
from eventflow.model.pod import Pod
from eventflow.store import objects, workflows
from eventflow.store.contract import Store
from eventflow.store.open import open_store
from eventflow.store.workflows import Header

TEMPLATES = [{"metadata": {"name": "work", "labels": {"tier": "x"}}, "spec": {"accessModes": ["ReadWriteOnce"]}}]
SPEC: Mapping[str, Any] = {
    "entrypoint": "main",
    "templates": [{"name": "main", "suspend": {}}],
    "volumeClaimTemplates": TEMPLATES,
}


class Disk:
    """A runtime that notes what it is to drop."""

    def __init__(self) -> None:
        self.dropped: list[tuple[str, str]] = []

    async def drop_claim(self, namespace: str, name: str) -> None:
        self.dropped.append((namespace, name))


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    async with open_store(f"sqlite:///{tmp_path / 'e.db'}", SystemClock()) as opened:
        yield opened


async def submitted(store: Store, phase: str = "", **fields: Any) -> Header:
    """Store a workflow; with a phase, one that has ended."""
    request = Request({"metadata": {"name": "w"}, "spec": {**SPEC, **fields}}, "key")
    creation = await store.write(lambda: submission.admit(request, 1.0, {}))
    if phase:
        await store.write(lambda: workflows.update(creation.header.seq, {"phase": phase, "finished_at": 2.0}))
    return creation.header


def pod(uid: str) -> Pod:
    return Pod("p", "default", "w", uid, "p", "p", {}, workflow_spec={"volumeClaimTemplates": TEMPLATES})


async def names(store: Store) -> list[str]:
    return [each.name for each in await store.read(lambda: objects.select("PersistentVolumeClaim"))]


async def test_a_claim_is_made_once_and_belongs_to_its_workflow(store: Store) -> None:
    header = await submitted(store)
    for claims in (Claims(store, SystemClock()), Claims(store, SystemClock())):
        await claims.ensure(pod(header.uid))
        await claims.ensure(pod(header.uid))
    (made,) = await store.read(lambda: objects.select("PersistentVolumeClaim"))
    metadata = made.manifest["metadata"]
    assert (made.name, made.number) == ("w-work", 1)
    assert metadata["labels"] == {"tier": "x", "workflows.argoproj.io/workflow": "w"}
    assert metadata["ownerReferences"][0]["uid"] == header.uid


async def test_a_claim_of_somebody_else_is_never_used_and_never_removed(store: Store) -> None:
    theirs = {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "w-work"}, "spec": {}}
    await store.write(lambda: objects.put("PersistentVolumeClaim", "default", "w-work", theirs, 1.0))
    header, claims, disk = await submitted(store, "Succeeded"), Claims(store, SystemClock()), Disk()
    with pytest.raises(UserError, match="w-work"):
        await claims.ensure(pod(header.uid))
    await claims.release(header, SPEC, "Succeeded", disk)
    await claims.sweep(disk)
    assert (await names(store), disk.dropped) == (["w-work"], [])


@pytest.mark.parametrize(
    ("phase", "strategy", "gone"),
    [
        ("", "", False),
        ("Succeeded", "", True),
        ("Failed", "", False),
        ("Failed", "OnWorkflowCompletion", True),
        ("deleted", "", True),
    ],
)
async def test_what_a_crash_left_behind_is_swept_up(store: Store, phase: str, strategy: str, gone: bool) -> None:
    fields = {"volumeClaimGC": {"strategy": strategy}} if strategy else {}
    header = await submitted(store, phase if phase != "deleted" else "Failed", **fields)
    claims, disk = Claims(store, SystemClock()), Disk()
    await claims.ensure(pod(header.uid))
    if phase == "deleted":
        await store.write(lambda: workflows.delete(header.uid))
    await claims.sweep(disk)
    assert (await names(store), disk.dropped) == (([], [("default", "w-work")]) if gone else (["w-work"], []))
