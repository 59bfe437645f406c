"""Steps and tasks becoming calls: their `when`, loops and arguments, rendered in one pass with all their variables.

Source: Argo v4.1.2 workflow/controller/steps.go resolveReferences, dag.go resolveDependencyReferences, scope.go
markAbsentOptionalArgs.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from eventflow.engine.core import outputs
from eventflow.engine.core.plan import Template
from eventflow.engine.core.scope import Layered, Scope
from eventflow.errors import UserError
from eventflow.expressions import loop, template, when
from eventflow.expressions.arguments import ABSENT

STRICT = ("steps", "tasks")


@dataclass(slots=True)
class Child:
    """One step or task, or one item of its loop, ready to be called.

    `proceed` is False when its `when` is false, and `reason` then says so. `outer` holds what an inline template may
    see of its caller.
    """

    name: str
    holder: Mapping[str, Any]
    arguments: Mapping[str, Any]
    proceed: bool = True
    reason: str = ""
    outer: Mapping[str, Any] | None = None


class Renderer:
    """Renders the steps or tasks of one template within a scope."""

    def __init__(self, parent: Template, scope: Scope) -> None:
        self._parent = parent
        self._scope = scope

    def single(self, manifest: Mapping[str, Any]) -> Child:
        """Return the one child of a step or task that is no loop. Raises UserError."""
        return self._child(manifest, manifest["name"], self._scope)

    def items(self, manifest: Mapping[str, Any]) -> "Items":
        """Return the items of a loop. Raises UserError, unless its `when` is false anyway."""
        header = {key: manifest[key] for key in loop.LOOPS if manifest.get(key) is not None}
        try:
            rendered = template.substitute(header, self._scope, allow_unresolved=False)
            return Items(self, manifest, loop.items(rendered))
        except UserError:
            if self._surely_false(manifest.get("when") or ""):
                return Items(self, manifest, iter(()))
            raise

    def item(self, manifest: Mapping[str, Any], item: loop.Item) -> Child:
        """Return the child of one item. Raises UserError."""
        return self._child(manifest, manifest["name"] + item.suffix, Layered(item.variables, self._scope))

    def _surely_false(self, text: str) -> bool:
        try:
            return bool(text) and not when.evaluate_when(self._render(text, self._scope))
        except UserError:
            return False

    def _child(self, manifest: Mapping[str, Any], name: str, scope: Mapping[str, Any]) -> Child:
        condition = manifest.get("when") or ""
        if condition:
            condition = self._render(condition, scope)
            if not when.evaluate_when(condition):
                return Child(name, manifest, {}, False, f"when '{condition}' evaluated false")
        holder = manifest
        if _tagged(manifest.get("template")) or _tagged(manifest.get("templateRef")):
            names = {key: manifest[key] for key in ("template", "templateRef") if manifest.get(key)}
            holder = {**manifest, **template.substitute(names, scope, allow_unresolved=False)}
        outer = scope if manifest.get("inline") else None
        return Child(name, holder, self.arguments(manifest.get("arguments"), scope), outer=outer)

    def _render(self, text: str, scope: Mapping[str, Any]) -> str:
        rendered = template.substitute(text, scope, allow_unresolved=True, strict_prefixes=STRICT)
        return rendered if isinstance(rendered, str) else str(rendered)

    def arguments(self, arguments: Mapping[str, Any] | None, scope: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return arguments with every reference in place; what a skipped producer left out counts as not given.

        Raises UserError.
        """
        if not arguments:
            return {}
        rendered: dict[str, Any] = {}
        parameters = arguments.get("parameters") or ()
        if any(self._absent(each) for each in parameters):
            rendered["parameters"] = [self._parameter(each, scope) for each in parameters]
        elif parameters:
            tree = self._parent.tree(parameters)
            rendered["parameters"] = tree.render(scope, allow_unresolved=True, strict_prefixes=STRICT)
        if arguments.get("artifacts"):
            found = (self._artifact(each, scope) for each in arguments["artifacts"])
            rendered["artifacts"] = [each for each in found if each is not None]
        return rendered

    def _parameter(self, parameter: Mapping[str, Any], scope: Mapping[str, Any]) -> Mapping[str, Any]:
        if self._absent(parameter):
            return {**parameter, "value": ABSENT}
        rendered: Mapping[str, Any] = template.substitute(
            parameter, scope, allow_unresolved=True, strict_prefixes=STRICT
        )
        return rendered

    def _absent(self, parameter: Mapping[str, Any]) -> bool:
        value = parameter.get("value")
        if not isinstance(value, str) or not value.startswith("{{") or not value.endswith("}}"):
            return False
        key = value[2:-2].strip()
        return "{{" not in key and "}}" not in key and key.startswith(STRICT) and self._scope.absent(key)

    def _artifact(self, artifact: Mapping[str, Any], scope: Mapping[str, Any]) -> Mapping[str, Any] | None:
        if artifact.get("from") or artifact.get("fromExpression"):
            source = artifact
            if artifact.get("from") and isinstance(scope, Layered):
                source = {**artifact, "from": _with_item(artifact["from"], scope)}
            return outputs.resolve_artifact(source, self._scope)
        rendered: Mapping[str, Any] = template.substitute(
            artifact, scope, allow_unresolved=True, strict_prefixes=STRICT
        )
        return rendered


def _with_item(text: str, scope: Layered) -> str:
    """Return an artifact's `from` with the item's own tags in place, as in `{{inputs.artifacts.{{item}}}}`."""
    for key, value in scope.above.items():
        text = text.replace("{{" + key + "}}", str(value))
    return text


def _tagged(value: Any) -> bool:
    if isinstance(value, Mapping):
        return any(_tagged(each) for each in value.values())
    return isinstance(value, str) and "{{" in value


class Items:
    """The items of a loop, one after the other; a loop of 100,000 is never a list of 100,000 children.

    Making it looks at the first item, so that a loop that is none shows at once. Raises LoopError then.
    """

    def __init__(self, renderer: Renderer, manifest: Mapping[str, Any], items: Iterator[loop.Item]) -> None:
        self.renderer = renderer
        self.manifest = manifest
        self._first = next(items, None)
        self._rest = items

    @property
    def empty(self) -> bool:
        """Whether there is no item at all."""
        return self._first is None

    def __iter__(self) -> Iterator[loop.Item]:
        if self._first is not None:
            yield self._first
            yield from self._rest
