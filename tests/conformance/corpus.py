"""A corpus: Argo's example manifests, run for real, their final objects compared with what the real Argo recorded."""

import asyncio
import csv
import importlib.util
import json
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any, Literal

from eventflow.clock import SystemClock
from eventflow.engine import queries
from eventflow.engine.core.state import Node, NodeType, Phase
from eventflow.engine.core.stimuli import OutputsSupplied, ResumeRequested, StopRequested
from eventflow.errors import EventflowError
from eventflow.local import Local, open_local
from eventflow.model import manifest
from eventflow.model.manifest import Resource
from eventflow.runtimes.process.settings import ProcessSettings
from eventflow.store.workflows import Header
from tests.conformance.verdict import Verdict

DATABASE_LIMITS = """
apiVersion: v1
kind: ConfigMap
metadata: {name: eventflow-semaphores}
data: {workflow: "1", template: "2"}
"""
PATIENCE = 180.0  # seconds that a workflow may take, as when the corpus was recorded
TEMPLATES = {"WorkflowTemplate", "ClusterWorkflowTemplate", "CronWorkflow"}
CLUSTER_KINDS = {
    "kind: Job",
    "kind: Pod",
    "kind: Service",
    "kind: StatefulSet",
    "kind: TFJob",
    "CronTab",
    "pods",
    "svc",
}
RUNNABLE = {"recorded", "nondeterministic"}


@dataclass(frozen=True, slots=True)
class Case:
    """One manifest with an outcome."""

    name: str
    resource: Resource
    outcome: dict[str, Any]
    tier: str
    recorded_seconds: float
    random: bool

    @property
    def namespace(self) -> str:
        """A namespace of its own for each example with locks: they share their names."""
        return self.name if "synchronization" in json.dumps(self.resource.manifest) else "default"


async def judge(
    root: Path, only: str, jobs: int, patience: float = PATIENCE, sandbox: Literal["auto", "none"] = "auto"
) -> Verdict:
    """Run every case of a corpus and return the verdict. `sandbox` is the process runtime's."""
    verdict = Verdict(root.name)
    cases = list(_cases(root, only, verdict))
    if not cases:
        return verdict
    normalize = _normalize(root)
    with tempfile.TemporaryDirectory() as directory:
        settings = ProcessSettings(sandbox=sandbox, keep_pods=False)
        async with open_local(Path(directory), SystemClock(), process=settings) as local:
            prepared = _prepared(root)
            await local.load(prepared)
            for case in cases:
                if case.namespace != "default":
                    await local.load(prepared, case.namespace)
            room = asyncio.Semaphore(jobs)
            await asyncio.gather(*(_judge(case, local, normalize, verdict, room, patience) for case in cases))
    return verdict


async def _judge(
    case: Case,
    local: Local,
    normalize: ModuleType,
    verdict: Verdict,
    room: asyncio.Semaphore,
    longest: float,
) -> None:
    async with room:
        print(f"{case.name} ...", file=sys.stderr, flush=True)
        try:
            header = await local.submit(_workflow(case), key=case.name, namespace=case.namespace)
            patience = min(longest, max(20.0, case.recorded_seconds * 1.5))
            final = await _finish(local, header, patience)
        except EventflowError as error:
            verdict.failed[case.name] = f"refused: {error}"
            return
    reduced = normalize.reduce_workflow(final)
    found = [
        f"{path}: {expected!r} -> {actual!r}"
        for path, expected, actual in normalize.differences(case.outcome, reduced)
        if not (case.random and expected == "(absent)")  # what no run happened to draw may still be drawn
    ]
    if not found:
        verdict.passed.append(case.name)
        return
    reason = _unavailable(case, final)
    if reason:
        verdict.not_runnable[case.name] = reason
    else:
        verdict.failed[case.name] = "; ".join(found[:8]) + (f"; and {len(found) - 8} more" if len(found) > 8 else "")


async def _finish(local: Local, header: Header, patience: float) -> dict[str, Any]:
    """Wait for the end, resuming what waits for a person as the recorder did; after `patience`, take it as it is."""
    ended = asyncio.ensure_future(local.engine.end_of(header))
    for _ in range(int(patience * 5)):
        done, _pending = await asyncio.wait([ended], timeout=0.2)
        if done:
            break
        await _resume(local, header)
    else:
        ended.cancel()
    final = await queries.workflow_object(local.engine, header)
    if not ended.done() or ended.cancelled():
        await _stop(local, header)
    return final


async def _resume(local: Local, header: Header) -> None:
    live = local.engine.live(header.seq)
    if live is None:
        return
    for node in live.nodes:
        if node.type is NodeType.SUSPEND and node.phase is Phase.RUNNING and not _timed(live.definition.spec, node):
            await _resume_node(local, header, node)


def _timed(spec: Mapping[str, Any], node: Node) -> bool:
    template: Mapping[str, Any] = next((each for each in spec["templates"] if each["name"] == node.template), {})
    return bool((template.get("suspend") or {}).get("duration"))


async def _resume_node(local: Local, header: Header, node: Node) -> None:
    supplied = {
        each["name"]: "YES" if each["name"] == "approve" else "Hello, world!"
        for each in (node.outputs or {}).get("parameters") or ()
        if "supplied" in (each.get("valueFrom") or {})
    }
    now = local.engine.clock.now()
    try:
        if supplied:
            await local.engine.signal(header, lambda _: OutputsSupplied(now, node.ordinal, supplied))
        await local.engine.signal(header, lambda _: ResumeRequested(now, (node.ordinal,)))
    except EventflowError:
        return


async def _stop(local: Local, header: Header) -> None:
    try:
        await local.engine.signal(header, lambda _: StopRequested(local.engine.clock.now(), "Terminate"))
    except EventflowError:
        return


def _unavailable(case: Case, final: dict[str, Any]) -> str:
    """Return why it cannot be judged on this machine, if that is what went wrong."""
    if final["status"]["phase"] in ("Running", "Pending") and case.outcome.get("phase") not in ("Running", "Pending"):
        return f"still running when patience ended (recorded: {case.recorded_seconds:g} s)"
    if case.tier.startswith("T3"):
        return "needs an image that is not here"
    if case.tier.startswith("T5"):
        return "needs the network or an external store"
    kinds = {word for word in CLUSTER_KINDS if word in json.dumps(case.resource.manifest)}
    if case.tier.startswith("T4") and kinds:
        return f"needs a Kubernetes cluster ({', '.join(sorted(kinds))})"
    for node in (final["status"].get("nodes") or {}).values():
        message = node.get("message") or ""
        for sign in ("needs a Kubernetes cluster", "not supported here", "is not on this machine"):
            if sign in message:
                return f"{node['name']}: {message}"
    return ""


def _cases(root: Path, only: str, verdict: Verdict) -> Iterator[Case]:
    with (root / "index.csv").open(newline="") as rows:
        for row in csv.DictReader(rows):
            name = _case_name(row)
            if only and only not in name and only not in root.name:
                continue
            if row["status"] not in RUNNABLE or not row["outcome"]:
                if row["status"] == "not-runnable-here":
                    verdict.not_runnable[name] = row["reason"]
                continue
            try:
                resources = manifest.parse((root / "manifests" / row["file"]).read_bytes(), row["file"])
                outcome = json.loads((root / row["outcome"]).read_text())
                yield Case(
                    name,
                    resources[int(row["doc"])],
                    outcome,
                    row["tier"],
                    float(row["seconds"] or 60),
                    row["status"] == "nondeterministic",
                )
            except EventflowError as error:
                verdict.failed[name] = f"does not parse: {error}"


def _case_name(row: dict[str, str]) -> str:
    outcome = row["outcome"].removeprefix("outcomes/").removesuffix(".json")
    return outcome or row["file"].removesuffix(".yaml").replace("/", "--")


def _prepared(root: Path) -> list[Resource]:
    """Return everything that was there before the recorded runs."""
    found = list(manifest.parse((root / "preparation.yaml").read_bytes(), "preparation.yaml"))
    found += manifest.parse(DATABASE_LIMITS, "the same limits, as the database had them")
    for path in sorted((root / "manifests").rglob("*.yaml")):
        try:
            found += [
                each for each in manifest.parse(path.read_bytes(), str(path)) if each.kind in TEMPLATES | {"ConfigMap"}
            ]
        except EventflowError:
            continue
    return found


def _workflow(case: Case) -> dict[str, Any]:
    """Return the Workflow to submit: the manifest's, or one that runs its template."""
    resource = case.resource
    if resource.kind == "Workflow":
        metadata = resource.manifest.setdefault("metadata", {})
        if not metadata.get("name") and not metadata.get("generateName"):
            metadata["generateName"] = "unnamed-"
        return resource.manifest
    if resource.kind == "CronWorkflow":
        spec = resource.manifest["spec"]
        metadata = {
            **(spec.get("workflowMetadata") or {}),
            "generateName": f"{resource.name or resource.generate_name}-",
        }
        return {"metadata": metadata, "spec": spec["workflowSpec"]}
    reference = {"name": resource.name, "clusterScope": resource.kind == "ClusterWorkflowTemplate"}
    return {"metadata": {"generateName": f"{resource.name}-"}, "spec": {"workflowTemplateRef": reference}}


def _normalize(root: Path) -> ModuleType:
    """Load the reduction that comes with the corpus."""
    for directory in (root, *root.parents):
        path = directory / "normalize.py"
        if path.is_file():
            spec = importlib.util.spec_from_file_location("corpus_normalize", path)
            assert spec is not None
            assert spec.loader is not None
            module = importlib.util.module_from_spec(spec)
            spec.loader.exec_module(module)
            return module
    raise FileNotFoundError(f"no normalize.py beside or above {root}")
