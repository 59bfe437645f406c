"""The state of a workflow: its nodes and what belongs to it as a whole. Plain data; only the machine changes it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Phase(StrEnum):
    """The phases of a node. A workflow's phase is one of the first five."""

    PENDING = "Pending"
    RUNNING = "Running"
    SUCCEEDED = "Succeeded"
    FAILED = "Failed"
    ERROR = "Error"
    SKIPPED = "Skipped"
    OMITTED = "Omitted"


COMPLETED = frozenset({Phase.SUCCEEDED, Phase.FAILED, Phase.ERROR})
FULFILLED = COMPLETED | {Phase.SKIPPED, Phase.OMITTED}
UNSUCCESSFUL = frozenset({Phase.FAILED, Phase.ERROR})


class NodeType(StrEnum):
    """The kinds of nodes, named as in Argo's `status.nodes`."""

    POD = "Pod"
    CONTAINER = "Container"
    STEPS = "Steps"
    STEP_GROUP = "StepGroup"
    DAG = "DAG"
    TASK_GROUP = "TaskGroup"
    RETRY = "Retry"
    SKIPPED = "Skipped"
    SUSPEND = "Suspend"
    HTTP = "HTTP"
    PLUGIN = "Plugin"


ROOT = -1  # the boundary of a node that lies in none

_DEFAULTS: dict[str, Any] = {
    "template": "",
    "template_ref": None,
    "scope": "",
    "boundary": ROOT,
    "parents": [],
    "message": "",
    "inputs": None,
    "outputs": None,
    "started_at": 0.0,
    "finished_at": 0.0,
    "hooked": False,
    "retried": False,
    "daemoned": False,
    "exiting": False,
    "pod": "",
    "ip": "",
    "host": "",
    "progress": "",
    "memo": None,
    "gated": False,
    "waiting": "",
    "outbound": [],
}


@dataclass(slots=True)
class Node:
    """One node of the tree that users see.

    `ordinal` is its place in the order of creation and its key in the store. Edges are kept at the child, as
    `parents` (ordinals), fixed when the node is made: a parent of 100,000 children is then never written again for
    each of them. `children` is their inverse, derived when a workflow is loaded. `boundary` is the ordinal of the
    enclosing steps or DAG node. `inputs` and `outputs` have Argo's form. `exiting` marks nodes of exit handlers,
    which a stop spares; `gated` one that waits for locks or the memoization cache, `waiting` for which lock.
    `outbound` are the nodes that stand for this one towards its successors. Times are seconds since the epoch, 0.0
    for none.
    """

    ordinal: int
    name: str
    id: str
    display_name: str
    type: NodeType
    phase: Phase
    template: str = ""
    template_ref: Mapping[str, Any] | None = None
    scope: str = ""
    boundary: int = ROOT
    parents: list[int] = field(default_factory=list)
    message: str = ""
    inputs: dict[str, Any] | None = None
    outputs: dict[str, Any] | None = None
    started_at: float = 0.0
    finished_at: float = 0.0
    hooked: bool = False
    retried: bool = False
    daemoned: bool = False
    exiting: bool = False
    pod: str = ""
    ip: str = ""
    host: str = ""
    progress: str = ""
    memo: Mapping[str, Any] | None = None
    gated: bool = False
    waiting: str = ""
    outbound: list[int] = field(default_factory=list)
    children: list[int] = field(default_factory=list)

    @property
    def completed(self) -> bool:
        """Whether it ran to an end."""
        return self.phase in COMPLETED

    @property
    def fulfilled(self) -> bool:
        """Whether nothing more is to be awaited of it: ended, never to run, or a daemon that is ready."""
        return (self.daemoned and self.phase is not Phase.PENDING) or self.phase in FULFILLED

    @property
    def unsuccessful(self) -> bool:
        """Whether it failed or errored."""
        return self.phase in UNSUCCESSFUL

    def to_json(self) -> dict[str, Any]:
        """Return what is stored of the node; everything that has its default is left out."""
        record = {
            "name": self.name,
            "id": self.id,
            "display_name": self.display_name,
            "type": self.type,
            "phase": self.phase,
        }
        for key, default in _DEFAULTS.items():
            value = getattr(self, key)
            if value != default:
                record[key] = value
        return record

    @classmethod
    def from_json(cls, ordinal: int, record: Mapping[str, Any]) -> "Node":
        """Return the node that `to_json` wrote."""
        node = cls(ordinal=ordinal, **record)
        node.type = NodeType(node.type)
        node.phase = Phase(node.phase)
        return node


@dataclass(slots=True)
class WorkflowState:
    """What belongs to the workflow as a whole.

    `phase` is empty until it is submitted. `shutdown` is empty, `Stop` or `Terminate`. `outputs` are the global
    outputs in Argo's form. `suspended` holds back every new node. `generation` counts
    how often a user had it run again.
    """

    name: str
    namespace: str
    uid: str
    created_at: float
    phase: str = ""
    message: str = ""
    started_at: float = 0.0
    finished_at: float = 0.0
    shutdown: str = ""
    suspended: bool = False
    waiting: str = ""
    generation: int = 0
    outputs: dict[str, Any] = field(default_factory=dict)
    labels: dict[str, str] = field(default_factory=dict)
    annotations: dict[str, str] = field(default_factory=dict)

    @property
    def ended(self) -> bool:
        """Whether the workflow has its final phase."""
        return self.phase in COMPLETED

    def to_json(self) -> dict[str, Any]:
        """Return the state as a plain JSON object."""
        return {key: getattr(self, key) for key in self.__slots__}

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> "WorkflowState":
        """Return the state that `to_json` wrote."""
        return cls(**record)
