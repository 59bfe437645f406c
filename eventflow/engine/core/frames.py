"""Frames: what is at work behind the nodes that are not done.

The leaf frames stand here; steps, DAGs and retries have modules of their own.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from eventflow.engine.core import durations, inputs, scope
from eventflow.engine.core.calls import Call
from eventflow.engine.core.commands import LoadMemo, SaveMemo, SetTimer, StartPod, StopPod
from eventflow.engine.core.plan import Template
from eventflow.engine.core.state import Node, NodeType, Phase
from eventflow.errors import UserError
from eventflow.model.pod import Pod, PodEnd, PodFinished, PodLost, PodProgressed, PodStarted

if TYPE_CHECKING:
    from eventflow.engine.core.machine import Workflow

DEADLINE_SLACK = 5.0  # seconds: the machine ends pods at the workflow's deadline, the runtime only if it could not
_PHASES = {"Succeeded": Phase.SUCCEEDED, "Failed": Phase.FAILED, "Error": Phase.ERROR}


class Frame:
    """What works on one node. `call` is where it came from, `template` what it runs."""

    __slots__ = ("call", "node", "template", "workflow")

    def __init__(self, workflow: "Workflow", call: Call, template: Template, node: Node) -> None:
        self.workflow = workflow
        self.call = call
        self.template = template
        self.node = node
        workflow.frames[node.ordinal] = self

    def start(self, bound: Mapping[str, Any]) -> None:
        """Begin, or go on after a restart. `bound` is the template's head with its inputs."""
        raise NotImplementedError

    def stop(self, message: str) -> None:
        """The workflow is being shut down; end what can be ended."""

    def pod(self, at: float) -> Pod | None:
        """Return the pod to run for the node, None if there is none."""
        del at
        return None

    def timer(self) -> None:
        """A timer of this frame fired."""

    def end(self, phase: Phase, message: str | None = None) -> None:
        """Give the node its final phase and tell who waits for it."""
        workflow, node = self.workflow, self.node
        waited = not node.daemoned
        node.gated = False
        workflow.mark(node, phase, message)
        workflow.release(node)
        if self.template.manifest.get("synchronization") and not node.retried:
            workflow.unlock(node)
        if node.memo is not None and not node.memo.get("hit") and phase is Phase.SUCCEEDED:
            workflow.command(SaveMemo(node.ordinal, node.memo["cacheName"], node.memo["key"]))
        if waited:
            workflow.defer(self.call.awaiter.fulfilled, self.call.slot, node)

    def announce(self) -> None:
        """Tell who waits that the node's phase changed."""
        self.workflow.defer(self.call.awaiter.changed, self.call.slot, self.node)


class LeafFrame(Frame):
    """A node that something outside the machine works on: a pod, or a request that the shell performs."""

    __slots__ = ("_bound", "stopping")

    def __init__(self, workflow: "Workflow", call: Call, template: Template, node: Node) -> None:
        super().__init__(workflow, call, template, node)
        self.stopping = ""
        self._bound: Mapping[str, Any] | None = None

    def start(self, bound: Mapping[str, Any]) -> None:
        workflow, node = self.workflow, self.node
        if workflow.state.shutdown and not (workflow.state.shutdown == "Stop" and node.exiting):
            self.end(Phase.FAILED, f"Stopped with strategy '{workflow.state.shutdown}'")
            return
        if not node.pod:
            node.pod = workflow.own_pod(node.id)
        workflow.pods[node.pod] = node.ordinal
        if len(workflow.pods) < 1_000:
            self._bound = bound  # a long queue of pods binds again instead of being kept
        if node.daemoned:
            workflow.daemons.add(node.ordinal)
            workflow.defer(self.call.awaiter.fulfilled, self.call.slot, node)
        self._set_timeouts(bound)
        workflow.command(StartPod(node.ordinal, node.pod))

    def _set_timeouts(self, bound: Mapping[str, Any]) -> None:
        for field in ("timeout", "pendingTimeout"):
            if bound.get(field) and self.node.phase is Phase.PENDING:
                try:
                    until = self.node.started_at + durations.seconds(bound[field])
                except ValueError:
                    continue
                self.workflow.command(SetTimer(f"timeout:{self.node.ordinal}", until))

    def timer(self) -> None:
        if self.node.phase is Phase.PENDING and not self.stopping:
            self.workflow.command(StopPod(self.node.pod))
            self.end(Phase.FAILED, "timeout")

    def stop(self, message: str) -> None:
        self.stopping = message
        self.workflow.command(StopPod(self.node.pod))

    def pod(self, at: float) -> Pod | None:
        if self.node.completed:
            return None
        bound = self._bound
        if bound is None:
            bound = self._rebind()
        self._bound = None
        state, spec = self.workflow.state, self.workflow.pod_spec
        bound = spec.with_logs(bound)
        return Pod(
            name=self.node.pod,
            namespace=state.namespace,
            workflow=state.name,
            workflow_uid=state.uid,
            node_id=self.node.id,
            node_name=self.node.name,
            template=bound,
            workflow_spec=spec.render(self.workflow.variables),
            output_location=self._output_location(bound),
            deadline=self._deadline(bound, at),
            capture_result=self.call.captured or self.template.kind == "data",
            daemon=bool(bound.get("daemon")),
            labels={"workflows.argoproj.io/workflow": state.name, "workflows.argoproj.io/completed": "false"},
            annotations={
                "workflows.argoproj.io/node-id": self.node.id,
                "workflows.argoproj.io/node-name": self.node.name,
                "workflows.argoproj.io/node-type": str(self.node.type),
            },
        )

    def _rebind(self) -> Mapping[str, Any]:
        return inputs.bind(self.workflow, self.call, self.template)

    def _output_location(self, bound: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return where key-only outputs go: the template's archive location, or the pod's place in the repository."""
        location: Mapping[str, Any] = bound.get("archiveLocation") or {}
        if any(isinstance(value, Mapping) and value for value in location.values()):
            return location
        return {"s3": {"key": f"{self.workflow.state.name}/{self.node.pod}"}}

    def _deadline(self, bound: Mapping[str, Any], at: float) -> float | None:
        workflow = None if self.node.exiting else self.workflow.deadline
        limits = [self.call.deadline, None if workflow is None else workflow + DEADLINE_SLACK]
        if bound.get("activeDeadlineSeconds") not in (None, ""):
            limits.append(at + float(str(bound["activeDeadlineSeconds"])))
        if bound.get("timeout"):
            limits.append(self.node.started_at + durations.seconds(bound["timeout"]))
        return min((each for each in limits if each is not None), default=None)

    # -- reports -------------------------------------------------------------------------------------------------

    def started(self, report: PodStarted) -> None:
        """The pod runs; a daemon is ready."""
        node = self.node
        if report.host:
            node.host = report.host
        if self.template.manifest.get("daemon"):
            node.daemoned = True
            node.ip = report.ip
            self.workflow.daemons.add(node.ordinal)
        self.workflow.mark(node, Phase.RUNNING, "")
        if node.daemoned:
            self.workflow.defer(self.call.awaiter.fulfilled, self.call.slot, node)
        else:
            self.announce()

    def progressed(self, report: PodProgressed) -> None:
        """The pod told how far it is."""
        self.node.progress = report.progress
        self.workflow.touch(self.node)

    def lost(self, report: PodLost) -> None:
        """The pod is gone without a word."""
        if self.stopping:
            self.end(Phase.FAILED, self.stopping)
        else:
            self.end(Phase.ERROR, report.reason)

    def finished(self, report: PodFinished) -> None:
        """The pod ended."""
        end = report.end
        node = self.node
        node.started_at = node.started_at or end.started_at
        node.finished_at = end.finished_at
        node.outputs = _outputs(self.template.manifest.get("outputs") or {}, end)
        node.progress = end.progress or node.progress
        phase = _PHASES[end.outcome]
        if node.daemoned and phase is Phase.SUCCEEDED:
            phase = Phase.FAILED  # a daemon has no business ending by itself
        self._end_containers(end)
        self.workflow.export(node)
        self.end(phase, end.message or None)

    def _end_containers(self, end: PodEnd) -> None:
        by_name = {self.workflow.nodes[each].display_name: self.workflow.nodes[each] for each in self._containers()}
        for container in end.containers:
            node = by_name.get(container.name)
            if node is not None and not node.completed:
                node.started_at = container.started_at or node.started_at
                node.finished_at = container.finished_at
                self.workflow.mark(node, _PHASES[container.outcome], container.message)

    def _containers(self) -> list[int]:
        found, pending = [], list(self.node.children)
        while pending:
            ordinal = pending.pop()
            node = self.workflow.nodes[ordinal]
            if node.type is NodeType.CONTAINER and node.boundary == self.node.ordinal:
                found.append(ordinal)
                pending.extend(node.children)
        return list(dict.fromkeys(found))


class SuspendFrame(Frame):
    """A node that waits for a person or for a while."""

    __slots__ = ()

    def start(self, bound: Mapping[str, Any]) -> None:
        node, workflow = self.node, self.workflow
        if workflow.state.shutdown and not (workflow.state.shutdown == "Stop" and node.exiting):
            self.end(Phase.FAILED, f"Stopped with strategy '{workflow.state.shutdown}'")
            return
        duration = (bound.get("suspend") or {}).get("duration")
        if duration:
            try:
                until = node.started_at + durations.seconds(duration)
            except ValueError as error:
                self.end(Phase.ERROR, str(error))
                return
            workflow.command(SetTimer(f"suspend:{node.ordinal}", until))
        if node.phase is Phase.PENDING:
            workflow.mark(node, Phase.RUNNING)
            self.announce()

    def stop(self, message: str) -> None:
        self.end(Phase.FAILED, message)

    def timer(self) -> None:
        try:
            self.resume()
        except UserError as error:
            self.end(Phase.ERROR, str(error))

    def resume(self) -> None:
        """End the wait; supplied outputs that nobody gave take their defaults. Raises UserError for one without."""
        for parameter in (self.node.outputs or {}).get("parameters") or ():
            if parameter.get("value") is None:
                default = (parameter.get("valueFrom") or {}).get("default")
                if default is None:
                    raise UserError(
                        f"raw output parameter '{parameter['name']}' has not been set "
                        "and does not have a default value",
                        hint=f"eventflow node set --output-parameter {parameter['name']}=VALUE",
                    )
                parameter["value"] = scope.text_of(default)
            parameter.pop("valueFrom", None)
        self.workflow.export(self.node)
        self.end(Phase.SUCCEEDED)


def _outputs(declared: Mapping[str, Any], end: PodEnd) -> dict[str, Any] | None:
    """Return a pod's outputs in Argo's form: declared parameters with values, artifacts, result and exit code."""
    found: dict[str, Any] = {}
    parameters = [
        {**each, "value": end.parameters[each["name"]]}
        for each in declared.get("parameters") or ()
        if each["name"] in end.parameters
    ]
    if parameters:
        found["parameters"] = parameters
    if end.artifacts:
        by_name = {each["name"]: each for each in declared.get("artifacts") or ()}
        found["artifacts"] = [{**_named(by_name.get(each["name"])), **each} for each in end.artifacts]
    if end.result is not None:
        found["result"] = end.result
    if end.exit_code is not None:
        found["exitCode"] = str(end.exit_code)
    return found or None


def _named(declared: Mapping[str, Any] | None) -> Mapping[str, Any]:
    return {key: (declared or {})[key] for key in ("globalName", "archive") if key in (declared or {})}


class GateFrame(Frame):
    """A node that waits for locks, or for the memoization cache's answer, before its work begins."""

    __slots__ = ("bound", "inner", "locked", "stage")

    def __init__(self, workflow: "Workflow", call: Call, template: Template, node: Node) -> None:
        super().__init__(workflow, call, template, node)
        self.bound: Mapping[str, Any] = {}
        self.inner = ""
        self.locked = False
        self.stage = ""

    def start(self, bound: Mapping[str, Any]) -> None:
        self.bound = bound

    def ask_memo(self) -> None:
        """Ask the cache for the node's outputs."""
        memoize = self.bound["memoize"]
        cache = ((memoize.get("cache") or {}).get("configMap") or {}).get("name", "")
        self.node.memo = {"hit": False, "key": memoize.get("key", ""), "cacheName": cache}
        self.workflow.touch(self.node)
        try:
            max_age = durations.seconds(memoize["maxAge"]) if memoize.get("maxAge") else None
        except ValueError as error:
            self.end(Phase.ERROR, f"invalid maxAge: {error}")
            return
        self.stage = "memo"
        self.workflow.command(LoadMemo(self.node.ordinal, cache, self.node.memo["key"], max_age))

    def stop(self, message: str) -> None:
        self.end(Phase.FAILED, message)

    def timer(self) -> None:
        self.end(Phase.FAILED, "timeout")
