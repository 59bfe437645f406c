"""Parallelism within one workflow: how many pods at once, and how many children of one template.

Source: Argo v4.1.2 workflow/controller/operator.go checkParallelism. A starter that finds no room waits in line and is
run again when a place is free; loops wait as one starter, not as one for each item.
"""

from collections import deque
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from eventflow.engine.core.state import ROOT, UNSUCCESSFUL, Node, NodeType, Phase

if TYPE_CHECKING:
    from eventflow.engine.core.machine import Workflow

_ACTIVE = frozenset({Phase.PENDING, Phase.RUNNING})
_COUNTED = frozenset({NodeType.POD, NodeType.STEPS, NodeType.DAG})

Starter = Callable[[], None]


class Boundary:
    """The limits and counts of one steps or DAG node. `limit` is None for no limit."""

    __slots__ = ("active", "active_pods", "fail_fast", "limit", "line", "unsuccessful")

    def __init__(self) -> None:
        self.limit: int | None = None
        self.fail_fast = False
        self.active = 0
        self.active_pods = 0
        self.unsuccessful = 0
        self.line: deque[Starter] = deque()


class Capacity:
    """Counts of active nodes, and the lines of those that wait for a place."""

    def __init__(self, workflow: "Workflow") -> None:
        self._workflow = workflow
        self.limit: int | None = workflow.definition.spec.get("parallelism")
        self.active_pods = 0
        self._boundaries: dict[int, Boundary] = {}
        self._line: deque[Starter] = deque()
        self._waiting: dict[int, Boundary] = {}
        self._pumping = False

    def bound(self, node: Node, limit: int | None, *, fail_fast: bool) -> None:
        """Set the limits of a steps or DAG node's children."""
        if limit is None and not fail_fast:
            return
        boundary = self._boundaries.setdefault(node.ordinal, Boundary())
        boundary.limit, boundary.fail_fast = limit, fail_fast

    def room(self, boundary: Node | None) -> bool:
        """Whether another node may start within a boundary now."""
        if self._workflow.state.shutdown:
            return True
        if self._workflow.state.suspended:
            return False
        if self.limit is not None and self.active_pods >= self.limit:
            return False
        inside = self._of(boundary)
        if inside is None:
            return True
        if inside.fail_fast and inside.unsuccessful:
            return False
        return inside.limit is None or inside.active < inside.limit

    def wait(self, boundary: Node | None, starter: Starter) -> None:
        """Have a starter run again when there may be room."""
        inside = self._of(boundary)
        if boundary is not None and inside is not None and self._full(inside):
            inside.line.append(starter)
            self._waiting[boundary.ordinal] = inside
        else:
            self._line.append(starter)

    def exhausted(self, boundary: Node) -> bool:
        """Whether a fail-fast template has failed children, and none at work any more."""
        inside = self._of(boundary)
        return inside is not None and inside.fail_fast and inside.unsuccessful > 0 and not inside.active_pods

    def _full(self, inside: Boundary) -> bool:
        return (inside.limit is not None and inside.active >= inside.limit) or (
            inside.fail_fast and inside.unsuccessful > 0
        )

    def _of(self, boundary: Node | None) -> Boundary | None:
        return self._boundaries.get(boundary.ordinal) if boundary is not None else None

    # -- counting ------------------------------------------------------------------------------------------------

    def recount(self) -> None:
        """Count the nodes of a restored workflow."""
        for node in self._workflow.nodes:
            self.made(node)

    def made(self, node: Node) -> None:
        """Count a new node."""
        if node.phase in _ACTIVE:
            self._count(node, 1)
        elif node.phase in UNSUCCESSFUL and node.boundary != ROOT:
            self._inside(node).unsuccessful += 1

    def moved(self, node: Node, phase: Phase) -> None:
        """Count a node's change of phase, before it is made."""
        if node.phase in _ACTIVE and phase not in _ACTIVE:
            self._count(node, -1)
            self.pump()
        if phase in UNSUCCESSFUL and node.boundary != ROOT:
            self._inside(node).unsuccessful += 1

    def _inside(self, node: Node) -> Boundary:
        return self._boundaries.setdefault(node.boundary, Boundary())

    def _count(self, node: Node, change: int) -> None:
        if node.type not in _COUNTED:
            return
        if node.type is NodeType.POD:
            self.active_pods += change
        if node.boundary != ROOT:
            inside = self._inside(node)
            inside.active += change
            if node.type is NodeType.POD:
                inside.active_pods += change

    # -- the lines -----------------------------------------------------------------------------------------------

    def pump(self) -> None:
        """Have the lines looked at, once the present action is over."""
        if not self._pumping and (self._line or self._waiting):
            self._pumping = True
            self._workflow.defer(self._pump)

    def _pump(self) -> None:
        self._pumping = False
        for ordinal, inside in list(self._waiting.items()):
            self._advance(inside.line, partial(self._has_place, inside))
            if not inside.line:
                self._waiting.pop(ordinal, None)
        self._advance(self._line, lambda: self.limit is None or self.active_pods < self.limit)

    def _has_place(self, inside: Boundary) -> bool:
        return not self._full(inside)

    def _advance(self, line: deque[Starter], room: Callable[[], bool]) -> None:
        for _ in range(len(line)):
            if not (room() or self._workflow.state.shutdown) or self._workflow.state.suspended:
                return
            line.popleft()()
