"""What the machine asks of the shell. Performed after the state they belong to is durable, and safe to repeat."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from eventflow.engine.core.state import Node


@dataclass(frozen=True, slots=True)
class StartPod:
    """Have the node's pod run. `Workflow.pod(node)` builds it when there is room, so that a queue stays small."""

    node: int
    pod: str


@dataclass(frozen=True, slots=True)
class StopPod:
    """End the pod; its report follows."""

    pod: str


@dataclass(frozen=True, slots=True)
class SetTimer:
    """Send TimerFired with this key at an instant (seconds since the epoch); a later command of the key replaces it."""

    key: str
    at: float


@dataclass(frozen=True, slots=True)
class AcquireLocks:
    """Queue for all locks of a `synchronization` block at once; LockGranted or LockAwaited follows.

    With `held`, a restored node tells that it has them already.
    """

    node: int
    synchronization: Mapping[str, Any]
    held: bool = False


@dataclass(frozen=True, slots=True)
class ReleaseLocks:
    """Give back what a node (or, with ROOT, the workflow) holds or waits for."""

    node: int


@dataclass(frozen=True, slots=True)
class LoadMemo:
    """Look a key up in a memoization cache; MemoLoaded follows. `max_age` is in seconds, None for no limit."""

    node: int
    cache: str
    key: str
    max_age: float | None = None


@dataclass(frozen=True, slots=True)
class SaveMemo:
    """Remember a node's outputs in a memoization cache."""

    node: int
    cache: str
    key: str


@dataclass(frozen=True, slots=True)
class FinishWorkflow:
    """The workflow has its final phase; everything it holds can be given back."""

    phase: str


Command = StartPod | StopPod | SetTimer | AcquireLocks | ReleaseLocks | LoadMemo | SaveMemo | FinishWorkflow


@dataclass(slots=True)
class Decision:
    """The outcome of one step: what to store, and what to do once it is stored.

    `changed` are the nodes to write, each once. `whole` tells that the workflow's own state changed. `more` asks for a
    Continued stimulus: the step was cut to stay short.
    """

    commands: Sequence[Command] = ()
    changed: Sequence[Node] = ()
    whole: bool = False
    more: bool = False
    notes: Sequence[str] = field(default_factory=list)
