# Paths inside pods are texts, and these are the hot paths of starting one.
# ruff: noqa: PTH123
"""From the supervisor's exit record to the pod's end: outcome, parameters and artifacts, in Argo's words.

Outputs are collected even when main failed; what is missing then does not matter. Sources: Argo v4.1.2
workflow/executor (PostMain, SaveParameters, SaveArtifacts) for order and wording.
"""

import asyncio
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from eventflow.errors import EventflowError, PermanentError
from eventflow.model.pod import ContainerEnd, Outcome, PodEnd
from eventflow.runtimes import logs, verdict
from eventflow.runtimes.contract import ArtifactTransfer
from eventflow.runtimes.process import doctor, filesystem, relocation
from eventflow.runtimes.process.filesystem import View
from eventflow.runtimes.process.inputs import Patience
from eventflow.runtimes.process.layout import Layout
from eventflow.runtimes.process.sandbox import Mount, Trees
from eventflow.runtimes.verdict import Ended

Plan = Mapping[str, Any]
Record = Mapping[str, Any]

_PARAMETER_LIMIT = 16 << 20
_MAIN_FILES = "/mainctrfs"
_KEPT_OUTPUTS = "/var/run/argo/outputs"


def has_outputs(plan: Plan | None) -> bool:
    """Whether there is anything to collect beside the exit record itself."""
    return plan is not None and "root" in plan


def without_outputs(plan: Plan | None, record: Record) -> PodEnd:
    """Return the end of a pod that has no outputs to collect."""
    return _end(plan or {}, record, {}, (), "")


async def with_outputs(
    plan: Plan, record: Record, trees: Trees | None, transfer: ArtifactTransfer, patience: Patience, places: Layout
) -> PodEnd:
    """Collect a pod's outputs and return its end. Uploads that fail for the moment are tried again."""
    parameters: dict[str, str] = {}
    artifacts: list[Mapping[str, Any]] = []
    error = ""
    if "root" in plan and not record.get("error") and record.get("started_at"):
        mounts = [Mount(source, target) for source, target in plan["mounts"]]
        # A pod that ran without a sandbox, of a server that has one by now, is looked at as it ran.
        view = View(plan["root"], mounts, None if "restore" in plan else trees)
        own = transfer.within(plan["namespace"])
        parameters, error = await asyncio.to_thread(_parameters, plan["parameters"], view)
        artifacts, failed = await _artifacts(plan, view, own, patience)
        artifacts += await _logs(plan, own, patience, places)
        error = error or failed
    return _end(plan, record, parameters, artifacts, error)


def _end(
    plan: Plan, record: Record, parameters: Mapping[str, str], artifacts: Sequence[Mapping[str, Any]], error: str
) -> PodEnd:
    places = plan.get("restore") or ()
    ends = [_ended(one, places) for one in record["containers"]]
    result = record.get("result") if plan.get("capture") else None
    outcome, message = _outcome(plan, record, ends, error)
    return PodEnd(
        outcome=outcome,
        finished_at=record["finished_at"],
        started_at=record.get("started_at") or 0.0,
        message=message,
        exit_code=verdict.exit_code(ends),
        result=relocation.restore(result, places) if result is not None else None,
        parameters={name: relocation.restore(value, places) for name, value in parameters.items()},
        artifacts=tuple(artifacts),
        containers=_children(plan, ends),
        progress=record.get("progress"),
    )


def _outcome(plan: Plan, record: Record, ends: Sequence[Ended], error: str) -> tuple[Outcome, str]:
    cause = record.get("cause")
    if cause == "error":
        return "Error", verdict.executor_error("init", str(record["error"]))
    if cause == "deadline":
        return "Failed", verdict.DEADLINE
    if cause == "stopped" and not any(end.started_at for end in ends):
        return "Failed", "stopped before it started"
    outcome, message = verdict.of_pod(ends)
    if outcome == "Succeeded" and error:
        return "Error", verdict.executor_error("wait", error)
    if outcome == "Succeeded" and plan.get("daemon") and cause is None:
        return "Failed", ""
    return outcome, message


def _ended(one: Mapping[str, Any], places: Sequence[Sequence[str]]) -> Ended:
    message = relocation.restore(one["message"], places)
    if one["sandbox_failed"]:
        message = f"the sandbox could not be built: {message}"
        fix = doctor.explain(message)
        message = f"{message} ({fix})" if fix else message
    return Ended(
        one["name"],
        one["kind"],
        one["code"],
        one["reason"],
        message,
        one["started_at"],
        one["finished_at"],
        one["sandbox_failed"],
    )


def _children(plan: Plan, ends: Sequence[Ended]) -> tuple[ContainerEnd, ...]:
    if not plan.get("set"):
        return ()
    return tuple(verdict.of_container(end) for end in ends if end.kind == "main")


def _parameters(wanted: Sequence[Mapping[str, Any]], view: View) -> tuple[dict[str, str], str]:
    """Read output parameters; return them and the first error. Blocking."""
    found: dict[str, str] = {}
    error = ""
    for one in wanted:
        path = filesystem.tidy(one["path"])
        try:
            found[one["name"]] = _read(view.locate(path), one["name"]).removesuffix("\n")
        except (OSError, PermanentError) as failed:
            if one.get("default") is not None:
                found[one["name"]] = str(one["default"]).removesuffix("\n")
            else:
                error = error or _reading_failed(view, path, failed)
    return found, error


def _read(path: str, name: str) -> str:
    handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    with open(handle, "rb") as file:
        data = file.read(_PARAMETER_LIMIT + 1)
    if len(data) > _PARAMETER_LIMIT:
        raise PermanentError(f"output parameter {name} is larger than 16 MiB; an artifact can be")
    return data.decode("utf-8", "replace")


def _reading_failed(view: View, path: str, error: Exception) -> str:
    if not isinstance(error, OSError):
        return str(error)
    shown = f"{_MAIN_FILES}{path}" if view.mounted(path) else f"{_KEPT_OUTPUTS}/parameters{path}"
    return f"open {shown}: {(error.strerror or str(error)).lower()}"


async def _artifacts(
    plan: Plan, view: View, transfer: ArtifactTransfer, patience: Patience
) -> tuple[list[Mapping[str, Any]], str]:
    """Save output artifacts in order; return the saved ones, and the errors of the others as Argo joins them."""
    saved: list[Mapping[str, Any]] = []
    errors = ""
    for artifact in plan["artifacts"]:
        path = filesystem.tidy(artifact["path"])
        try:
            source = Path(await asyncio.to_thread(view.locate, path))
            if not await asyncio.to_thread(source.exists):
                if not artifact.get("optional"):
                    errors += f"{_absent(artifact, view, path)}; "
                continue
            saved.append(await _save(artifact, source, plan["default"], transfer, patience))
        except (EventflowError, OSError) as error:
            errors += f"{error}; "
    return saved, errors


def _absent(artifact: Mapping[str, Any], view: View, path: str) -> str:
    if view.mounted(path) is None:
        return f"open {_KEPT_OUTPUTS}/artifacts{path}.tgz: no such file or directory"
    if "none" in (artifact.get("archive") or {}):
        return f"{path} no such file or directory"
    return f"stat {_MAIN_FILES}{path}: no such file or directory"


async def _save(
    artifact: Mapping[str, Any],
    source: Path,
    default: Mapping[str, Any],
    transfer: ArtifactTransfer,
    patience: Patience,
) -> Mapping[str, Any]:
    return await patience.persist(lambda: transfer.save(artifact, source, default))


async def _logs(plan: Plan, transfer: ArtifactTransfer, patience: Patience, places: Layout) -> list[Mapping[str, Any]]:
    """Save each main container's log as an artifact (`main-logs`, main.log), if the template says archiveLogs."""
    saved = []
    for name, (workflow_uid, pod, container) in (plan.get("logs") or {}).items():
        log = places.pod_logs(workflow_uid, pod) / f"{container}.log"
        text = Path(plan["work"]) / "logs" / f"{name}.log"
        if await asyncio.to_thread(logs.write_text, log, text):
            artifact = {"name": f"{name}-logs", "path": f"/{name}.log", "archive": {"none": {}}}
            saved.append(await _save(artifact, text, plan["default"], transfer, patience))
    return saved
