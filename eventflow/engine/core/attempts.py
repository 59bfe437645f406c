"""The retry frame: attempts of one template, one after the other, under one node."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from eventflow.engine.core import retry
from eventflow.engine.core.calls import Call
from eventflow.engine.core.commands import SetTimer
from eventflow.engine.core.frames import Frame
from eventflow.engine.core.plan import Template
from eventflow.engine.core.state import Node, Phase
from eventflow.errors import UserError

if TYPE_CHECKING:
    from eventflow.engine.core.machine import Workflow


class RetryFrame(Frame):
    """A retry node at work. Waits for one attempt at a time, or for a back-off to pass."""

    __slots__ = ("_strategy", "_waiting")

    def __init__(self, workflow: "Workflow", call: Call, template: Template, node: Node) -> None:
        super().__init__(workflow, call, template, node)
        self._waiting = False
        self._strategy: Mapping[str, Any] = {}

    def start(self, bound: Mapping[str, Any]) -> None:
        self._strategy = bound.get("retryStrategy", self.template.retry) or {}
        attempts = self._attempts()
        if (attempts and not attempts[-1].fulfilled) or (attempts and attempts[-1].daemoned):
            self._try(len(attempts) - 1, attempts[:-1], None)
        else:
            self._decide()

    def _attempts(self) -> list[Node]:
        nodes = self.workflow.nodes
        return [
            nodes[each]
            for each in self.node.children
            if nodes[each].retried and nodes[each].name.startswith(self.node.name + "(")
        ]

    def _decide(self) -> None:
        workflow = self.workflow
        attempts = self._attempts()
        deadline = None if self.node.exiting else workflow.deadline
        now = retry.Circumstances(workflow.at, self._shutdown(), deadline)
        try:
            decision = retry.decide(self._strategy, attempts, now)
        except UserError as error:
            self.end(Phase.ERROR, error.message)
            return
        match decision:
            case retry.Again():
                if self.node.message:
                    workflow.mark(self.node, message="")
                self._try(len(attempts), attempts, decision.deadline)
            case retry.Wait():
                self._waiting = True
                workflow.mark(self.node, message=decision.message)
                workflow.command(SetTimer(f"retry:{self.node.ordinal}", decision.until))
            case retry.End():
                self._finish(decision, attempts)

    def _finish(self, decision: retry.End, attempts: list[Node]) -> None:
        last = attempts[-1]
        if last.outputs is not None:
            self.node.outputs = last.outputs
        message = decision.message if decision.message or self.node.message else None
        self.end(decision.phase, message)

    def _shutdown(self) -> str:
        shutdown = self.workflow.state.shutdown
        return "" if shutdown == "Stop" and self.node.exiting else shutdown

    def _try(self, number: int, before: list[Node], deadline: float | None) -> None:
        call = self.call.retried(f"{self.node.name}({number})", self, number, self.node)
        call.attempt = {"retries": str(number)} | retry.last_retry(before, "0")
        call.deadline = deadline if deadline is not None else self.call.deadline
        call.hooked = False
        call.boundary = self.call.boundary
        self.workflow.launch(call)

    # -- as the one who awaits the attempts ----------------------------------------------------------------------

    def changed(self, slot: int, node: Node) -> None:
        """An attempt runs."""
        del slot, node
        self.announce()

    def fulfilled(self, slot: int, node: Node) -> None:
        """An attempt ended, or is a daemon that is ready."""
        del slot
        if self.node.completed:
            return
        if node.daemoned:
            self.node.daemoned = True
            self.workflow.daemons.add(self.node.ordinal)
            self.workflow.mark(self.node, Phase.RUNNING)
            self.workflow.defer(self.call.awaiter.fulfilled, self.call.slot, self.node)
            return
        self._decide()

    def timer(self) -> None:
        if self._waiting:
            self._waiting = False
            self._decide()

    def stop(self, message: str) -> None:
        del message  # deciding again finds the shutdown by itself
        if self._waiting:
            self._waiting = False
            self._decide()
