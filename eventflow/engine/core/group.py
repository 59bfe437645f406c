"""Starting the children of a group, one step, task or loop item after the other, as there is room for them."""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from eventflow.engine.core.state import Node

if TYPE_CHECKING:
    from eventflow.engine.core.machine import Workflow

BATCH = 200  # children that one action of the agenda starts

Prepared = tuple[str, Callable[[], None]]


class Starter:
    """Starts prepared children in order; waits in the workflow's lines when there is no room.

    `prepared` yields the name of each node and what begins it, so that nothing is rendered before its turn. `done` is
    told when there are no more.
    """

    __slots__ = ("_ahead", "_boundary", "_done", "_prepared", "_workflow")

    def __init__(
        self, workflow: "Workflow", boundary: Node, prepared: Iterator[Prepared], done: Callable[[], None]
    ) -> None:
        self._workflow = workflow
        self._boundary = boundary
        self._prepared = prepared
        self._done = done
        self._ahead: Prepared | None = None

    def run(self) -> None:
        """Start as many children as there is room for, a batch at a time."""
        for _ in range(BATCH):
            if self._ahead is None:
                self._ahead = next(self._prepared, None)
            if self._ahead is None:
                self._done()
                return
            name, begin = self._ahead
            if self._workflow.recalled(name) is None and not self._workflow.capacity.room(self._boundary):
                self._workflow.capacity.wait(self._boundary, self.run)
                return
            self._ahead = None
            begin()
        self._workflow.defer(self.run)
