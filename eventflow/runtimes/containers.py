"""From a leaf template to the containers of its pod, as Argo's controller builds them (controller/workflowpod.go).

Pure: what a runtime needs to know before it looks at its own machine, cluster or daemon.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from eventflow.errors import UserError
from eventflow.expressions.golang import duration
from eventflow.model.pod import Pod
from eventflow.runtimes import patch

Kind = Literal["init", "main", "sidecar"]
Spec = Mapping[str, Any]

MAIN = "main"
SCRIPT_PATH = "/argo/staging/script"
GRACE = 30.0


@dataclass(frozen=True, slots=True)
class Container:
    """One container: Kubernetes' fields in `spec`; `depends` are names of others in a container set.

    `artifacts` says whether it sees the pod's input artifacts.
    """

    name: str
    kind: Kind
    spec: Spec
    depends: tuple[str, ...] = ()
    artifacts: bool = False

    @property
    def mounts(self) -> list[Spec]:
        """Its volume mounts."""
        return list(self.spec.get("volumeMounts") or ())


@dataclass(frozen=True, slots=True)
class Shape:
    """The containers of a pod and what they share.

    `volumes` by name; `script` is the source of a script template; `retries` and `retry_wait` (seconds) are a container
    set's retry strategy; `grace` is the time in seconds between SIGTERM and SIGKILL.
    """

    containers: tuple[Container, ...]
    volumes: Mapping[str, Spec]
    script: str | None = None
    retries: int = 0
    retry_wait: float = 0.0
    grace: float = GRACE
    is_set: bool = False

    def of_kind(self, kind: Kind) -> list[Container]:
        """The containers of one kind, in order."""
        return [container for container in self.containers if container.kind == kind]


def shape_of(pod: Pod, script_path: str = SCRIPT_PATH, grace: float = GRACE) -> Shape:
    """Build the containers of a pod. Raises UserError for a template that is no pod, or a patch that does not fit."""
    template = pod.template
    mains = list(_mains(pod, script_path))
    names = [name for name, _, _ in mains]
    shared = [mount for _, spec, _ in mains for mount in spec.get("volumeMounts") or ()]
    sidecars = [_mirrored(one, shared) for one in template.get("sidecars") or ()]
    specs: dict[str, Any] = {
        "containers": [spec for _, spec, _ in mains] + sidecars,
        "initContainers": [_mirrored(one, shared) for one in template.get("initContainers") or ()],
        "volumes": [*_claims(pod), *(pod.workflow_spec.get("volumes") or ()), *(template.get("volumes") or ())],
        "terminationGracePeriodSeconds": grace,
    }
    for text in (pod.workflow_spec.get("podSpecPatch"), template.get("podSpecPatch")):
        specs = patch.apply(specs, text) if text else specs
    depends = {name: after for name, _, after in mains}
    retry = (template.get("containerSet") or {}).get("retryStrategy") or {}
    return Shape(
        containers=tuple(_containers(specs, depends, set(names))),
        volumes={volume["name"]: volume for volume in specs["volumes"]},
        script=(template.get("script") or {}).get("source") if "script" in template else None,
        retries=_retries(retry),
        retry_wait=_seconds(str(retry.get("duration") or "0")),
        grace=float(specs["terminationGracePeriodSeconds"]),
        is_set="containerSet" in template,
    )


def _mains(pod: Pod, script_path: str) -> Iterator[tuple[str, dict[str, Any], tuple[str, ...]]]:
    """Yield (name, container, names it depends on) for each main container."""
    template = pod.template
    if template.get("container") is not None:
        yield MAIN, {**template["container"], "name": MAIN}, ()
    elif template.get("script") is not None:
        spec = {key: value for key, value in template["script"].items() if key != "source"}
        yield MAIN, {**spec, "name": MAIN, "args": [*(spec.get("args") or ()), script_path]}, ()
    elif template.get("containerSet") is not None:
        group = template["containerSet"]
        for one in group.get("containers") or ():
            mounts = [*(one.get("volumeMounts") or ()), *(group.get("volumeMounts") or ())]
            spec = {key: value for key, value in one.items() if key != "dependencies"}
            yield one["name"], {**spec, "volumeMounts": mounts}, tuple(one.get("dependencies") or ())
    else:
        raise UserError(
            f"template {template.get('name', '')!r} of node {pod.node_name} has nothing to run",
            hint="a pod needs one of container, script, containerSet",
        )


def _claims(pod: Pod) -> Iterator[Spec]:
    """Yield the volumes of the workflow's claim templates: each has a claim called `<workflow>-<name>`."""
    for template in pod.workflow_spec.get("volumeClaimTemplates") or ():
        name = template["metadata"]["name"]
        yield {"name": name, "persistentVolumeClaim": {"claimName": f"{pod.workflow}-{name}"}}


def _mirrored(spec: Spec, shared: list[Spec]) -> dict[str, Any]:
    if not spec.get("mirrorVolumeMounts"):
        return dict(spec)
    own = list(spec.get("volumeMounts") or ())
    taken = {mount["mountPath"] for mount in own}
    return {**spec, "volumeMounts": own + [mount for mount in shared if mount["mountPath"] not in taken]}


def _containers(
    specs: Mapping[str, Any], depends: Mapping[str, tuple[str, ...]], mains: set[str]
) -> Iterator[Container]:
    for spec in specs["initContainers"]:
        kind: Kind = "sidecar" if spec.get("restartPolicy") == "Always" else "init"
        yield Container(spec["name"], kind, spec, artifacts=bool(spec.get("mirrorVolumeMounts")))
    for spec in specs["containers"]:
        name = spec["name"]
        if name in mains:
            yield Container(name, "main", spec, depends[name], artifacts=True)
        else:
            yield Container(name, "sidecar", spec, artifacts=bool(spec.get("mirrorVolumeMounts")))


def _retries(strategy: Mapping[str, Any]) -> int:
    """Return how often a container is repeated at most: `retries` does not count the first attempt (Argo's API doc)."""
    value = strategy.get("retries")
    return max(0, int(value)) if value is not None else 0


def _seconds(text: str) -> float:
    """Read a Go duration. Raises UserError."""
    try:
        return max(0.0, duration.parse_duration(text))
    except ValueError as error:
        raise UserError(f"containerSet.retryStrategy.duration: {error}", hint="for example 300ms, 5s, 1m30s") from error
