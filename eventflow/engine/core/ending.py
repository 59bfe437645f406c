"""The workflow as a whole: its entry point, its hooks, its exit handler, its final phase.

Source: Argo v4.1.2 workflow/controller/operator.go operate, hooks.go executeWfLifeCycleHook.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from eventflow.engine.core import hooks, variables
from eventflow.engine.core.calls import Call
from eventflow.engine.core.commands import FinishWorkflow, ReleaseLocks, StopPod
from eventflow.engine.core.frames import LeafFrame
from eventflow.engine.core.plan import LOCAL
from eventflow.engine.core.state import ROOT, Node, Phase
from eventflow.errors import UserError
from eventflow.expressions import template

if TYPE_CHECKING:
    from eventflow.engine.core.machine import Workflow

_MAIN, _EXIT, _HOOK = 0, 1, 2


class Ending:
    """Waits for the root node, then for hooks, then for the exit handler."""

    def __init__(self, workflow: "Workflow") -> None:
        self._workflow = workflow
        self._root: Node | None = None
        self._hooks = hooks.lifecycle_hooks(workflow.definition.spec)
        self._fired: set[str] = set()
        self._open_hooks = 0
        self._exit: Node | None = None
        self._exiting = False

    def start(self) -> None:
        """Call the entry point."""
        workflow = self._workflow
        spec = workflow.definition.spec
        workflow.launch(
            Call(
                name=workflow.state.name,
                holder={"template": spec.get("entrypoint") or ""},
                scope=LOCAL,
                awaiter=self,
                slot=_MAIN,
                arguments=self._arguments(spec),
            )
        )
        if workflow.nodes:
            self.changed(_MAIN, workflow.nodes[0])

    def _arguments(self, spec: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return the workflow's arguments with values for all that has one."""
        arguments = spec.get("arguments") or {}
        parameters = []
        for parameter in arguments.get("parameters") or ():
            value = self._workflow.variables.get(f"workflow.parameters.{parameter['name']}")
            parameters.append(parameter if value is None else {"name": parameter["name"], "value": value})
        return {**arguments, "parameters": parameters}

    # -- as the one who awaits -----------------------------------------------------------------------------------

    def changed(self, slot: int, node: Node) -> None:
        """The root node's phase changed."""
        if slot == _MAIN:
            variables.set_status(self._workflow, node)
            self._fire_hooks(node)

    def fulfilled(self, slot: int, node: Node) -> None:
        """The root, a hook or the exit handler is done."""
        if slot == _MAIN:
            if self._root is not None:
                return
            self._root = node
            variables.set_status(self._workflow, node)
            variables.set_end(self._workflow)
            self._fire_hooks(node)
        elif slot == _HOOK:
            self._open_hooks -= 1
        else:
            self._exit = node
        self._proceed()

    def _fire_hooks(self, root: Node) -> None:
        workflow = self._workflow
        for name, hook in self._hooks.items():
            node_name = f"{workflow.state.name}.hooks.{name}"
            if name in self._fired:
                continue
            try:
                if workflow.recalled(node_name) is None and not hooks.holds(hook, node_name, workflow.variables):
                    continue
            except UserError as error:
                self._fired.add(name)
                if not root.completed:
                    workflow.mark(root, message=error.message)
                continue
            self._fired.add(name)
            self._open_hooks += 1
            workflow.launch(self._hook_call(hook, node_name, _HOOK, [root], exiting=False))

    def _hook_call(self, hook: Mapping[str, Any], name: str, slot: int, parents: list[Node], *, exiting: bool) -> Call:
        arguments = template.substitute(hook.get("arguments") or {}, self._workflow.variables, allow_unresolved=True)
        return Call(
            name=name,
            holder=hook,
            scope=LOCAL,
            awaiter=self,
            slot=slot,
            arguments=arguments,
            parents=parents,
            hooked=True,
            exiting=exiting,
        )

    def _proceed(self) -> None:
        if self._root is None or self._open_hooks:
            return
        if not self._exiting:
            self._exiting = True
            if self._start_exit():
                return
        elif self._exit is None:
            return
        self._finish(self._root)

    def _start_exit(self) -> bool:
        workflow = self._workflow
        hook = hooks.exit_hook(workflow.definition.spec, workflow.definition.spec)
        name = f"{workflow.state.name}.onExit"
        if hook is None or (workflow.state.shutdown == "Terminate" and workflow.recalled(name) is None):
            return False
        workflow.launch(self._hook_call(hook, name, _EXIT, [], exiting=True))
        return True

    # -- the end -------------------------------------------------------------------------------------------------

    def _finish(self, root: Node) -> None:
        phase, message = self._outcome(root)
        workflow, state = self._workflow, self._workflow.state
        state.phase, state.message = str(phase), message
        state.finished_at = workflow.at
        state.labels["workflows.argoproj.io/phase"] = str(phase)
        state.labels["workflows.argoproj.io/completed"] = "true"
        workflow.touch_state()
        for frame in list(workflow.frames.values()):
            if isinstance(frame, LeafFrame):
                workflow.command(StopPod(frame.node.pod))
        workflow.command(ReleaseLocks(ROOT))
        workflow.command(FinishWorkflow(str(phase)))

    def _outcome(self, root: Node) -> tuple[Phase, str]:
        shutdown = self._workflow.state.shutdown
        if root.unsuccessful:
            message = f"Stopped with strategy '{shutdown}'" if shutdown else root.message
            return root.phase, message
        if self._exit is not None and self._exit.unsuccessful:
            return self._exit.phase, self._exit.message
        return Phase.SUCCEEDED, ""


def refuse(workflow: "Workflow", message: str) -> None:
    """End a workflow that cannot even begin."""
    state = workflow.state
    state.phase, state.message = str(Phase.ERROR), message
    state.started_at = state.started_at or workflow.at
    state.finished_at = workflow.at
    workflow.touch_state()
    workflow.command(ReleaseLocks(ROOT))
    workflow.command(FinishWorkflow(state.phase))
