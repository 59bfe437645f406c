"""The claims that workflows make for themselves: `volumeClaimTemplates`.

After Argo v4.1.2 workflow/controller/operator.go createPVCs, deletePVCs: a claim `<workflow>-<name>` is made before
the workflow's first pod, belongs to the workflow, and goes with it, by `volumeClaimGC` when it succeeds (the default)
or when it ends. Repeating any of it changes nothing; what a crash left behind is swept up at the next start.
"""

import logging
from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any, Protocol, runtime_checkable

import orjson

from eventflow.clock import Clock
from eventflow.engine.core import pod_spec
from eventflow.engine.core.definition import Definition
from eventflow.errors import UserError
from eventflow.model import kinds
from eventflow.model.pod import Pod
from eventflow.store import objects, workflows
from eventflow.store.contract import Store, Work
from eventflow.store.objects import Object
from eventflow.store.workflows import Header

log = logging.getLogger(__name__)

KIND = "PersistentVolumeClaim"
LABEL = "workflows.argoproj.io/workflow"


@runtime_checkable
class KeepsClaims(Protocol):
    """A runtime that keeps what claims hold."""

    async def drop_claim(self, namespace: str, name: str) -> None:
        """Remove what a claim holds."""


class Claims:
    """Makes and removes claims of workflows."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._made: set[str] = set()

    async def ensure(self, pod: Pod) -> None:
        """Make the claims of a pod's workflow. Raises UserError where a name is taken by a claim of somebody else."""
        templates = pod.workflow_spec.get("volumeClaimTemplates") or ()
        if not templates or pod.workflow_uid in self._made:
            return
        wanted = [_manifest(template, pod) for template in templates]
        await self._store.write(lambda: _make(wanted, pod, self._clock.now()))
        self._made.add(pod.workflow_uid)

    async def release(self, header: Header, spec: Mapping[str, Any], phase: str, runtime: object) -> None:
        """Remove the claims of a workflow that has ended, if its `volumeClaimGC` says so."""
        self._made.discard(header.uid)
        if spec.get("volumeClaimTemplates") and _goes(spec, phase):
            found = await self._store.read(lambda: objects.select(KIND, header.namespace, {LABEL: header.name}))
            await self._remove((claim for claim in found if _owner(claim) == header.uid), runtime)

    async def sweep(self, runtime: object) -> None:
        """Remove claims whose workflow is gone, or ended without having removed them."""
        for claim in await self._store.read(lambda: objects.select(KIND)):
            uid = _owner(claim)
            unwanted = bool(uid) and await self._store.read(partial(_unwanted, uid))
            if unwanted:
                await self._remove([claim], runtime)

    async def _remove(self, found: Iterable[Object], runtime: object) -> None:
        """Remove what claims hold, and last what tells of them."""
        for claim in found:
            if isinstance(runtime, KeepsClaims):
                await runtime.drop_claim(claim.namespace, claim.name)
            await self._store.write(partial(objects.delete, KIND, claim.namespace, claim.name, self._clock.now()))
            log.info("claim %s/%s was removed with its workflow", claim.namespace, claim.name)


def _manifest(template: Mapping[str, Any], pod: Pod) -> dict[str, Any]:
    metadata = template.get("metadata") or {}
    owner = {
        "apiVersion": kinds.ARGO,
        "kind": "Workflow",
        "name": pod.workflow,
        "uid": pod.workflow_uid,
        "controller": True,
    }
    return {
        "apiVersion": "v1",
        "kind": KIND,
        "metadata": {
            **metadata,
            "name": pod_spec.claim_name(pod.workflow, str(metadata.get("name") or "")),
            "labels": {**(metadata.get("labels") or {}), LABEL: pod.workflow},
            "ownerReferences": [owner],
        },
        "spec": template.get("spec") or {},
    }


def _make(wanted: Iterable[Mapping[str, Any]], pod: Pod, now: float) -> Work[None]:
    for manifest in wanted:
        name = manifest["metadata"]["name"]
        found = yield from objects.get(KIND, pod.namespace, name)
        if found is None:
            yield from objects.put(KIND, pod.namespace, name, manifest, now)
        elif _owner(found) != pod.workflow_uid:
            raise UserError(f"{KIND} {name!r} already exists and is not this workflow's", hint="delete or rename it")


def _owner(claim: Object) -> str:
    """Return the uid of the workflow that made a claim, "" for a claim that was made by somebody else."""
    metadata = claim.spec_manifest.get("metadata") or {}
    if not (metadata.get("labels") or {}).get(LABEL):
        return ""
    owners = metadata.get("ownerReferences") or ()
    return next((str(each.get("uid") or "") for each in owners if each.get("kind") == "Workflow"), "")


def _goes(spec: Mapping[str, Any], phase: str) -> bool:
    strategy = (spec.get("volumeClaimGC") or {}).get("strategy") or "OnWorkflowSuccess"
    return phase == "Succeeded" or strategy == "OnWorkflowCompletion"


def _unwanted(uid: str) -> Work[bool]:
    header = yield from workflows.load(uid)
    if header is None:
        return True
    if header.finished_at is None:
        return False
    found = yield from workflows.bodies(header.seq)
    spec = Definition.from_json(orjson.loads(found.definition)).spec if found else {}
    return bool(spec.get("volumeClaimTemplates")) and _goes(spec, header.phase)
