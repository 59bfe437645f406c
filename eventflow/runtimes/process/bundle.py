"""What the supervisor is given: command lines, environments and limits, with nothing left to look up."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from eventflow.runtimes import quantities
from eventflow.runtimes.containers import Container
from eventflow.runtimes.process import plain
from eventflow.runtimes.process.images import Image
from eventflow.runtimes.process.sandbox import Identity, Mount
from eventflow.runtimes.process.staging import Ground, Staged

Bundle = dict[str, Any]

_LOADER = "LD_"


def build(staged: Staged, ground: Ground) -> Bundle:
    """Return the bundle of a pod that is in place (see execution.Execution and container.Container for its fields)."""
    logs = ground.places.pod_logs(staged.pod.workflow_uid, staged.pod.name)
    return {
        "name": staged.pod.name,
        "uid": staged.uid,
        "deadline": staged.pod.deadline,
        "grace": staged.shape.grace,
        "containers": [_container(one, staged, ground, logs) for one in staged.shape.containers],
        "progress": staged.progress_file,
        "error": None,
        "collect": collecting(staged, ground),
    }


def failed(pod_name: str, uid: str, message: str, collect: Mapping[str, Any]) -> Bundle:
    """Return the bundle of a pod that cannot be given its inputs: it is claimed, and has ended with this error."""
    return {"name": pod_name, "uid": uid, "grace": 0, "containers": [], "error": message, "collect": collect}


def collecting(staged: Staged, ground: Ground) -> dict[str, Any]:
    """Return what is needed to collect the pod's outputs, even by a server that never saw the pod."""
    pod = staged.pod
    plan: dict[str, Any] = {"capture": pod.capture_result, "daemon": pod.daemon, "set": staged.shape.is_set}
    if pod.daemon:
        plan["ready"] = [one for container in staged.shape.containers if (one := _probe(container, staged, ground))]
    outputs = pod.template.get("outputs") or {}
    parameters = [
        {"name": one["name"], **{key: one["valueFrom"][key] for key in ("path", "default") if key in one["valueFrom"]}}
        for one in outputs.get("parameters") or ()
        if (one.get("valueFrom") or {}).get("path")
    ]
    artifacts = [one for one in outputs.get("artifacts") or () if one.get("path")]
    if (pod.template.get("archiveLocation") or {}).get("archiveLogs"):
        plan["logs"] = {one.name: _log(pod.workflow_uid, pod.name, one.name) for one in staged.shape.of_kind("main")}
    if parameters or artifacts or "logs" in plan:
        mounts = [[mount.source, mount.target] for mount in staged.mounts.get(staged.main, ())]
        plan |= {"root": str(staged.root(staged.main)), "mounts": mounts, "parameters": parameters}
        plan |= {"artifacts": artifacts, "default": dict(pod.output_location), "work": str(staged.work)}
    if staged.trees is None and (links := [mount.target for one in staged.mounts.values() for mount in one]):
        plan["links"] = links
    if staged.trees is None and (used := plain.output_paths(pod) + plain.input_paths(pod)):
        plan["clear"] = used
    return plan


def _probe(one: Container, staged: Staged, ground: Ground) -> dict[str, Any] | None:
    """Return what tells when a container is ready, if anything; an exec probe with its whole command line."""
    probe = one.spec.get("readinessProbe")
    if not probe or one.kind == "init":
        return None
    command = [str(word) for word in (probe.get("exec") or {}).get("command") or ()]
    argv = _command(one, staged, ground, command, fresh=False) if command else []
    return {"probe": probe, "ports": one.spec.get("ports") or [], "argv": argv, "env": staged.environments[one.name]}


def _log(workflow_uid: str, pod: str, container: str) -> list[str]:
    return [workflow_uid, pod, container]


def _container(one: Container, staged: Staged, ground: Ground, logs: Path) -> dict[str, Any]:
    shape = staged.shape
    repeated = shape.is_set and one.kind == "main" and shape.retries > 0
    sandboxed = ground.bubblewrap is not None
    env = staged.environments[one.name]
    argv = staged.arguments[one.name]
    spec: dict[str, Any] = {
        "name": one.name,
        "kind": one.kind,
        "argv": _command(one, staged, ground, argv, fresh=True),
        "env": {key: value for key, value in env.items() if not (sandboxed and key.startswith(_LOADER))},
        "cwd": None if sandboxed else _plain_directory(one, staged),
        "depends": one.depends,
        "limits": _limits(one.spec),
        "log": str(logs / f"{one.name}.log"),
        "log_limit": ground.settings.log_limit,
        "sandboxed": sandboxed,
        "keep": staged.pod.capture_result and one.kind == "main" and one.name == staged.main,
    }
    if repeated:
        again = _command(one, staged, ground, argv, fresh=False)
        spec |= {"retries": shape.retries, "retry_wait": shape.retry_wait, "again": again}
    return spec


def _command(one: Container, staged: Staged, ground: Ground, argv: list[str], *, fresh: bool) -> list[str]:
    if ground.bubblewrap is None:
        return argv
    image = ground.images.find(str(one.spec.get("image") or "")) or Image()
    directory = str(one.spec.get("workingDir") or "/")
    # Bubblewrap itself runs in the container's environment; what steers the dynamic loader must not reach it.
    loader = [
        word
        for key, value in staged.environments[one.name].items()
        if key.startswith(_LOADER)
        for word in ("--setenv", key, value)
    ]
    return ground.bubblewrap.command(
        staged.root(one.name),
        [*staged.mounts[one.name], *(Mount(path, path, writable=False) for path in image.path)],
        directory,
        _identity(one, staged, image),
        argv,
        fresh=fresh,
        options=loader,
    )


def _identity(one: Container, staged: Staged, image: Image) -> Identity:
    contexts = (
        staged.pod.workflow_spec.get("securityContext") or {},
        staged.pod.template.get("securityContext") or {},
        one.spec.get("securityContext") or {},
    )
    merged: dict[str, Any] = {}
    for context in contexts:
        merged |= {key: value for key, value in context.items() if value is not None}
    user = int(merged.get("runAsUser") or 0)
    return Identity(user, int(merged.get("runAsGroup") or 0), image.capabilities, staged.pod.name)


def _plain_directory(one: Container, staged: Staged) -> str:
    return str(one.spec.get("workingDir") or staged.root(one.name))


def _limits(spec: Mapping[str, Any]) -> dict[str, float] | None:
    limits = (spec.get("resources") or {}).get("limits") or {}
    found = {name: float(quantities.parse(str(limits[name]))) for name in ("memory", "cpu") if limits.get(name)}
    return found or None
