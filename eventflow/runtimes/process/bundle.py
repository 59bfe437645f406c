"""What the supervisor is given: command lines, environments and limits, with nothing left to look up."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from eventflow.runtimes import quantities
from eventflow.runtimes.containers import Container
from eventflow.runtimes.process import compose, light, plain
from eventflow.runtimes.process.images import Image
from eventflow.runtimes.process.sandbox import Mount
from eventflow.runtimes.process.staged import Ground, Staged

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
        "light": _light(staged),
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
        plan["namespace"] = pod.namespace
    if staged.trees is None:
        main = next(one for one in staged.shape.containers if one.name == staged.main)
        plan["restore"] = plain.restored(main, str(staged.root(main.name)), staged.mounts.get(main.name, ()))
    return plan


def _probe(one: Container, staged: Staged, ground: Ground) -> dict[str, Any] | None:
    """Return what tells when a container is ready, if anything; an exec probe with its whole command line."""
    probe = one.spec.get("readinessProbe")
    if not probe or one.kind == "init":
        return None
    command = [str(word) for word in (probe.get("exec") or {}).get("command") or ()]
    rewrite = compose.rewriting(one, staged, ground)
    argv = _command(one, staged, ground, [rewrite(word) for word in command], fresh=False) if command else []
    environment = {"env": staged.environments[one.name], "cwd": _directory(one, staged)}
    return {"probe": probe, "ports": one.spec.get("ports") or [], "argv": argv, **environment}


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
        "cwd": _directory(one, staged),
        "depends": one.depends,
        "limits": _limits(one.spec),
        "log": str(logs / f"{one.name}.log"),
        "log_limit": ground.settings.log_limit,
        "sandboxed": sandboxed,
        "keep": staged.pod.capture_result and one.kind == "main" and one.name == staged.main,
    }
    if repeated or staged.launcher is not None:
        spec["again"] = _command(one, staged, ground, argv, fresh=False)
    if repeated:
        spec |= {"retries": shape.retries, "retry_wait": shape.retry_wait}
    if staged.launcher is not None:
        spec["launcher"] = staged.launcher
    return spec


def _directory(one: Container, staged: Staged) -> str | None:
    """Return where the process is started; in a sandbox that is bubblewrap's business."""
    return plain.directory(one, str(staged.root(one.name))) if staged.trees is None else None


def _light(staged: Staged) -> dict[str, Any] | None:
    """Return what the supervisor makes of a light pod itself."""
    if staged.launcher is None:
        return None
    files = [(file.path, file.text, file.mode) for file in staged.files]
    return {"work": str(staged.work), "root": str(staged.root(staged.main)), "files": files}


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
        light.identity(one, staged, image),
        argv,
        fresh=fresh,
        options=loader,
    )


def _limits(spec: Mapping[str, Any]) -> dict[str, float] | None:
    limits = (spec.get("resources") or {}).get("limits") or {}
    found = {name: float(quantities.parse(str(limits[name]))) for name in ("memory", "cpu") if limits.get(name)}
    return found or None
