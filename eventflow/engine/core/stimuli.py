"""What can happen to a workflow. Each stimulus carries its time; the core never asks for it.

The reports of runtimes (`eventflow.model.pod`) are stimuli as they are.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from eventflow.model.pod import PodReport


@dataclass(frozen=True, slots=True)
class Submitted:
    """The workflow is to begin."""

    at: float


@dataclass(frozen=True, slots=True)
class TimerFired:
    """The instant that a SetTimer command named has come. `key` is the command's."""

    key: str
    at: float


@dataclass(frozen=True, slots=True)
class StopRequested:
    """End the workflow: `Stop` still runs exit handlers, `Terminate` runs nothing more.

    With `nodes` (ordinals), only those suspended nodes are failed, with `message`, and the workflow goes on.
    """

    at: float
    strategy: str = "Stop"
    nodes: Sequence[int] = ()
    message: str = ""


@dataclass(frozen=True, slots=True)
class SuspendRequested:
    """Start no new nodes until resumed."""

    at: float


@dataclass(frozen=True, slots=True)
class ResumeRequested:
    """Go on: lift `spec.suspend` and end the suspended nodes, or only the ones in `nodes` (ordinals)."""

    at: float
    nodes: Sequence[int] = ()


@dataclass(frozen=True, slots=True)
class OutputsSupplied:
    """Somebody gave a suspended node values for its `supplied` outputs, and perhaps a phase and message."""

    at: float
    node: int
    parameters: Mapping[str, str] = field(default_factory=dict)
    phase: str = ""
    message: str = ""


@dataclass(frozen=True, slots=True)
class LockGranted:
    """All locks that a node (or, with ROOT, the workflow) waits for are held now."""

    node: int
    at: float


@dataclass(frozen=True, slots=True)
class LockAwaited:
    """The locks are not free: `lock` is the first of them that is not, `message` tells who holds it."""

    node: int
    at: float
    lock: str
    message: str


@dataclass(frozen=True, slots=True)
class MemoLoaded:
    """The memoization cache answered for a node; `outputs` is None for a miss."""

    node: int
    at: float
    outputs: Mapping[str, Any] | None = None
    problem: str = ""


@dataclass(frozen=True, slots=True)
class MetadataChanged:
    """Somebody changed the workflow's labels or annotations; None removes one."""

    at: float
    labels: Mapping[str, str | None] = field(default_factory=dict)
    annotations: Mapping[str, str | None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Continued:
    """Go on with what the last step left on the agenda."""

    at: float


Stimulus = (
    PodReport
    | Submitted
    | TimerFired
    | StopRequested
    | SuspendRequested
    | ResumeRequested
    | OutputsSupplied
    | LockGranted
    | LockAwaited
    | MemoLoaded
    | MetadataChanged
    | Continued
)
