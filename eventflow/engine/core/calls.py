"""A call: one use of a template by a step, a task, a hook, a retry or the workflow itself."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from eventflow.engine.core.state import Node


class Awaiter(Protocol):
    """Whoever waits for a node. `slot` is the number under which it asked."""

    def changed(self, slot: int, node: Node) -> None:
        """The node's phase changed, and there is still something to await of it."""

    def fulfilled(self, slot: int, node: Node) -> None:
        """Nothing more is to be awaited of the node."""


@dataclass(slots=True)
class Call:
    """Everything that decides which node comes of it.

    `holder` is the manifest of the caller that names the template (`template`, `templateRef` or `inline`), looked up
    from `scope`. `arguments` are rendered. `parents` are the nodes that the new one hangs under. `caller` gives the
    step's or task's own name as a variable; `outer` the variables that an inline template shares with its caller.
    `exiting` marks what belongs to an exit handler. `captured` asks for the pod's standard output.
    `deadline` bounds the pod in seconds since the epoch (a retry's maximum duration).
    """

    name: str
    holder: Mapping[str, Any]
    scope: str
    awaiter: Awaiter
    slot: int = 0
    arguments: Mapping[str, Any] = field(default_factory=dict)
    boundary: Node | None = None
    parents: list[Node] = field(default_factory=list)
    caller: Mapping[str, str] = field(default_factory=dict)
    outer: Mapping[str, Any] | None = None
    attempt: Mapping[str, str] | None = None
    hooked: bool = False
    exiting: bool = False
    captured: bool = False
    deadline: float | None = None
    depth: int = 0

    def retried(self, name: str, awaiter: Awaiter, slot: int, parent: Node) -> "Call":
        """Return the call of one attempt, under its retry node."""
        return replace(self, name=name, awaiter=awaiter, slot=slot, parents=[parent], depth=self.depth + 1)
