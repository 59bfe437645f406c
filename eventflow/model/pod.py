"""A pod: one execution of a leaf template. What the engine asks of a runtime, and what a runtime reports."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

Outcome = Literal["Succeeded", "Failed", "Error"]


@dataclass(frozen=True, slots=True)
class Pod:
    """Everything a runtime needs to run one attempt, and nothing that it would have to look up in the engine.

    `name` is the identity: derived from workflow, template and node (Argo's pod name v2), equal for every repetition
    of the same attempt, and never used for another. `template` is the leaf template after substitution, a plain
    JSON tree (`container`, `script` or `containerSet`, with `inputs`, `outputs`, `volumes`, `sidecars`,
    `initContainers` ...); `inputs.artifacts` carry resolved locations. `workflow_spec` holds the pod-level fields of
    the workflow (`volumes`, `podSpecPatch`, `securityContext` ...). `deadline` is an instant in seconds since the
    epoch. `output_location` is the artifact location that key-only outputs inherit.
    """

    name: str
    namespace: str
    workflow: str
    workflow_uid: str
    node_id: str
    node_name: str
    template: Mapping[str, Any]
    workflow_spec: Mapping[str, Any] = field(default_factory=dict)
    output_location: Mapping[str, Any] = field(default_factory=dict)
    deadline: float | None = None
    capture_result: bool = False
    daemon: bool = False
    environment: Mapping[str, str] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ContainerEnd:
    """How one container of a pod ended. `exit_code` is None when it never ran."""

    name: str
    outcome: Outcome
    exit_code: int | None = None
    message: str = ""
    started_at: float = 0.0
    finished_at: float = 0.0


@dataclass(frozen=True, slots=True)
class PodEnd:
    """A pod's durable result.

    `message` has Argo's words (`main: Error (exit code 1)`, `OOMKilled (exit code 137)` ...). `result` is the standard
    output of the main container, one trailing newline trimmed, the last 256 KiB, when it was asked for.
    `parameters` are output parameters by name; `artifacts` are output artifacts as Argo lists them: `name`, `path`,
    one location key (`s3`, `raw` ...), and ours: `digest` (`sha256:...`) and `size` in bytes. `containers` lists the
    children of a container set. `progress` is the pod's own "N/M" if it reported one.
    """

    outcome: Outcome
    finished_at: float
    started_at: float = 0.0
    message: str = ""
    exit_code: int | None = None
    result: str | None = None
    parameters: Mapping[str, str] = field(default_factory=dict)
    artifacts: Sequence[Mapping[str, Any]] = ()
    containers: Sequence[ContainerEnd] = ()
    progress: str | None = None


@dataclass(frozen=True, slots=True)
class PodStarted:
    """The pod's containers run (a daemon: are ready). `uid` tells this start from any other."""

    name: str
    at: float
    uid: str = ""
    ip: str = ""
    host: str = ""


@dataclass(frozen=True, slots=True)
class PodFinished:
    """The pod ended, and its result is durable with the runtime until it is forgotten."""

    name: str
    end: PodEnd


@dataclass(frozen=True, slots=True)
class PodLost:
    """The pod will never report an end: it was started once, and nothing of it is left."""

    name: str
    at: float
    reason: str


@dataclass(frozen=True, slots=True)
class PodProgressed:
    """The running pod reported progress "N/M"."""

    name: str
    at: float
    progress: str


PodReport = PodStarted | PodFinished | PodLost | PodProgressed
