"""Hooks of a step or task: what runs when an expression first holds, and what runs when it ends.

Source: Argo v4.1.2 workflow/controller/hooks.go, exit_handler.go. A hook fires once, when its expression is first seen
true; the step counts as done only when its hooks are.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol

from eventflow.engine.core import evaluation
from eventflow.engine.core.calls import Awaiter, Call
from eventflow.engine.core.children import Renderer
from eventflow.engine.core.scope import Layered, NodeReference, Scope, visible
from eventflow.engine.core.state import Node, NodeType, Phase
from eventflow.errors import UserError

if TYPE_CHECKING:
    from eventflow.engine.core.machine import Workflow

EXIT = "exit"
_EXIT_SLOT = -1


class Host(Protocol):
    """The steps or DAG frame whose step or task has hooks."""

    workflow: "Workflow"
    node: Node
    inner: str
    scope: Scope
    renderer: Renderer
    call: Call


def exit_hook(manifest: Mapping[str, Any], spec: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Return the exit hook of a step, task or workflow: `onExit` with the workflow's arguments, or `hooks.exit`."""
    if manifest.get("onExit"):
        return {"template": manifest["onExit"], "arguments": spec.get("arguments") or {}}
    hook: Mapping[str, Any] | None = (manifest.get("hooks") or {}).get(EXIT)
    return hook


def lifecycle_hooks(manifest: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """Return the hooks that an expression fires, by name."""
    return {name: hook for name, hook in (manifest.get("hooks") or {}).items() if name != EXIT}


def has_hooks(manifest: Mapping[str, Any]) -> bool:
    """Whether a step or task has any hook."""
    return bool(manifest.get("hooks") or manifest.get("onExit"))


def holds(hook: Mapping[str, Any], name: str, variables: Mapping[str, Any]) -> bool:
    """Whether a hook's expression is true now. Raises UserError."""
    source = hook.get("expression") or ""
    if not source:
        raise UserError(f"Expression required for hook {name}")
    result = evaluation.evaluate(source, variables)
    if not isinstance(result, bool):
        raise UserError(f"hook {name}: expression {source!r} is not a bool but {result!r}")
    return result


class Hooked:
    """Stands between a node with hooks and the frame that waits for it, until the hooks are done as well."""

    def __init__(self, host: Host, manifest: Mapping[str, Any], awaiter: Awaiter, *, only_exit: bool = False) -> None:
        self._host = host
        self._manifest = manifest
        self._awaiter = awaiter
        self._hooks = {} if only_exit else lifecycle_hooks(manifest)
        self._exit = exit_hook(manifest, host.workflow.definition.spec)
        self._open = 0
        self._slot = 0
        self._node: Node | None = None
        self._fired: set[str] = set()
        self._told = False

    # -- as the one who awaits the node --------------------------------------------------------------------------

    def changed(self, slot: int, node: Node) -> None:
        """The node runs."""
        self._fire(node)
        self._awaiter.changed(slot, node)

    def fulfilled(self, slot: int, node: Node) -> None:
        """The node, or one of the hooks, is done."""
        if slot == _EXIT_SLOT:
            self._open -= 1
            self._settle()
            return
        if self._node is not None:
            return
        self._slot, self._node = slot, node
        self._fire(node)
        if self._exit is not None and node.completed and self._may_run():
            self._run_exit(node)
        self._settle()

    def _may_run(self) -> bool:
        return self._host.workflow.state.shutdown != "Terminate"

    def _settle(self) -> None:
        if self._node is not None and not self._open and not self._told:
            self._told = True
            self._awaiter.fulfilled(self._slot, self._node)

    # -- firing --------------------------------------------------------------------------------------------------

    def _variables(self, node: Node) -> Mapping[str, Any]:
        host = self._host
        name = self._manifest["name"]
        host.scope.references[name] = NodeReference(visible(node, host.workflow.nodes))
        return Layered({f"{host.scope.prefix}.{name}.status": str(node.phase)}, host.scope)

    def _fire(self, node: Node) -> None:
        for name, hook in self._hooks.items():
            if name in self._fired:
                continue
            node_name = f"{node.name}.hooks.{name}"
            try:
                due = self._host.workflow.recalled(node_name) is not None or holds(
                    hook, node_name, self._variables(node)
                )
                if due:
                    self._fired.add(name)
                    self._launch(hook, node_name, node, exiting=self._host.call.exiting)
            except UserError as error:
                self._fail(node_name, node, error.message)

    def _run_exit(self, node: Node) -> None:
        hook = self._exit or {}
        node_name = f"{node.name}.onExit"
        try:
            if hook.get("expression") and not holds(hook, node_name, self._variables(node)):
                return
            self._launch(hook, node_name, node, exiting=True)
        except UserError as error:
            self._fail(node_name, node, error.message)

    def _launch(self, hook: Mapping[str, Any], name: str, node: Node, *, exiting: bool) -> None:
        host = self._host
        arguments = host.renderer.arguments(hook.get("arguments"), self._variables(node))
        self._open += 1
        host.workflow.launch(self._call(hook, name, node, arguments, exiting=exiting))

    def _call(
        self, hook: Mapping[str, Any], name: str, node: Node, arguments: Mapping[str, Any], *, exiting: bool
    ) -> Call:
        host = self._host
        return Call(
            name=name,
            holder=hook,
            scope=host.inner,
            awaiter=self,
            slot=_EXIT_SLOT,
            arguments=arguments,
            boundary=host.node,
            parents=[node],
            hooked=True,
            exiting=exiting,
            depth=host.call.depth + 1,
        )

    def _fail(self, name: str, node: Node, message: str) -> None:
        """Show a hook that could not even be asked as an Error node of its own."""
        self._fired.add(name)
        workflow = self._host.workflow
        if workflow.recalled(name) is None:
            hook = {"template": ""}
            call = self._call(hook, name, node, {}, exiting=self._host.call.exiting)
            workflow.create(call, NodeType.SKIPPED, Phase.ERROR, message=message)
