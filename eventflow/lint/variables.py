"""Which variables exist where. Source: Argo v4.1.2 util/variables/keys, workflow/validate/validate.go.

A name is looked up, not listed: a DAG of ten thousand tasks needs no list of all their outputs for each of them.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from eventflow.lint.catalogue import POD_TYPES, Template, parameters
from eventflow.model import spelling

CHECKED_ROOTS = ("item", "steps", "inputs", "outputs", "pod", "workflow", "tasks")
RESULT_TYPES = frozenset({"container", "script", "containerSet", "data", "http", "plugin"})
_WORKFLOW_NAMES = (
    "name",
    "namespace",
    "uid",
    "mainEntrypoint",
    "serviceAccountName",
    "status",
    "duration",
    "parameters",
    "parameters.json",
    "labels",
    "labels.json",
    "annotations",
    "annotations.json",
)
_LATE = ("creationTimestamp", "scheduledTime", "duration")


@dataclass(frozen=True, slots=True)
class Unknown:
    """Why a name means nothing where it stands."""

    rule: str
    message: str
    hint: str | None = None


@dataclass(frozen=True, slots=True)
class NodeNames:
    """What is known of a step or task by the template it runs; `template` is None where that is decided later."""

    template: Template | None
    looped: bool = False

    def unknown(self, rest: str) -> str | None:
        """Return what is wrong with `rest` of `steps.NAME.rest`, None if nothing."""
        if self.template is None or rest in ("id", "status", "startedAt", "finishedAt", "hostNodeName"):
            return None
        value = self.template.value
        if rest == "ip":
            return None if value.get("daemon") else "only a daemon has an ip"
        if rest in ("exitCode", "outputs.result"):
            gives = self.template.type in RESULT_TYPES or self.template.type == ""
            return None if gives else f"a {self.template.type} template has no {rest}"
        if rest == "outputs.parameters":
            return None if self.looped else "outputs.parameters needs a name unless it gathers a loop"
        return self._unknown_output(rest, value)

    def _unknown_output(self, rest: str, value: Mapping[str, Any]) -> str | None:
        for kind in ("parameters", "artifacts"):
            prefix = f"outputs.{kind}."
            if rest.startswith(prefix):
                declared = parameters(value, "outputs", kind)
                name = rest.removeprefix(prefix)
                if name in declared:
                    return None
                hint = spelling.did_you_mean(name, declared)
                return f'its template has no output {kind[:-1]} "{name}"' + (f"; {hint}" if hint else "")
        return f'"{rest}" is nothing that a step or task has'


@dataclass(frozen=True, slots=True)
class Item:
    """What a loop gives: the plain item, named parts of it, or anything."""

    parts: frozenset[str] = frozenset()
    anything: bool = False


@dataclass(frozen=True, slots=True)
class WorkflowNames:
    """The variables under `workflow.`; None stands for any name."""

    parameters: Collection[str] | None
    labels: Collection[str] | None
    annotations: Collection[str] | None
    output_parameters: Collection[str] | None
    output_artifacts: Collection[str] | None
    priority: bool
    exits: bool

    def unknown(self, rest: str) -> Unknown | None:
        """Return why `workflow.rest` means nothing, None if it does."""
        if rest in _WORKFLOW_NAMES or rest.startswith(_LATE):
            return None
        if rest == "priority":
            return (
                None
                if self.priority
                else Unknown("unknown-variable", "the workflow has no priority", "set spec.priority")
            )
        if rest == "failures":
            hint = "workflow.failures exists in exit handlers"
            return None if self.exits else Unknown("unknown-variable", "the workflow has no onExit", hint)
        for kind, known in self._groups():
            if rest.startswith(kind + "."):
                return _member(f"workflow.{kind}", rest.removeprefix(kind + "."), known)
        known_names = [*_WORKFLOW_NAMES, "priority", "failures", *_LATE]
        return Unknown(
            "unknown-variable",
            f'there is no variable "workflow.{rest}"',
            spelling.did_you_mean(rest, known_names),
        )

    def _groups(self) -> tuple[tuple[str, Collection[str] | None], ...]:
        return (
            ("parameters", self.parameters),
            ("labels", self.labels),
            ("annotations", self.annotations),
            ("outputs.parameters", self.output_parameters),
            ("outputs.artifacts", self.output_artifacts),
        )


def _member(prefix: str, name: str, known: Collection[str] | None) -> Unknown | None:
    if known is None or name in known:
        return None
    return Unknown("unknown-variable", f'there is no variable "{prefix}.{name}"', spelling.did_you_mean(name, known))


@dataclass(frozen=True, slots=True)
class Variables:
    """The variables in force at one place.

    `nodes` are the steps or tasks of the template, under `prefix`; `before` those that are certain to be over, `own`
    the step or task itself (in its hooks). `inner` is the inline template whose inputs count too.
    """

    workflow: WorkflowNames
    template: Template
    prefix: str = ""
    nodes: Mapping[str, NodeNames] = field(default_factory=dict)
    before: Collection[str] | None = None
    own: str = ""
    item: Item | None = None
    inner: Template | None = None

    def unknown(self, name: str) -> Unknown | None:
        """Return why a dotted name means nothing here; None if it does, or if its root is none of Argo's."""
        root, _, rest = name.partition(".")
        if root not in CHECKED_ROOTS:
            return None
        if root == "workflow":
            return self.workflow.unknown(rest)
        if root in ("steps", "tasks"):
            return self._unknown_node(root, rest)
        if root == "item":
            return self._unknown_item(rest)
        if root == "pod":
            fits = rest == "name" and (self.template.type in POD_TYPES or self.template.type == "" or self.inner)
            return None if fits else Unknown("unknown-variable", f'there is no variable "{name}" here')
        return self._unknown_own(root, rest)

    def unknown_in_expression(self, name: str) -> Unknown | None:
        """Return why a name in an expression means nothing; there, groups of variables are maps."""
        root, *rest = name.split(".")
        if root == "item":
            return self.unknown(".".join((root, *rest[:1])))
        if root in ("inputs", "outputs"):
            return self.unknown(".".join((root, *rest[:2]))) if len(rest) > 1 else None
        if root in ("steps", "tasks"):
            return self._unknown_node_member(root, rest)
        if root == "workflow" and rest in ([], ["outputs"], ["outputs", "parameters"], ["outputs", "artifacts"]):
            return None
        return self.unknown(name)

    def _unknown_node_member(self, root: str, rest: list[str]) -> Unknown | None:
        if rest[1:] in (["outputs"], ["outputs", "parameters"], ["outputs", "artifacts"]):
            rest = rest[:1]
        if not rest:
            return None
        kept = rest[:4] if rest[1:2] == ["outputs"] and rest[2:3] != ["result"] else rest[:3]
        return self.unknown(".".join((root, *kept)))

    def _unknown_item(self, rest: str) -> Unknown | None:
        if self.item is None:
            return Unknown("unknown-variable", "there is no item outside of a loop", "add withItems or withParam")
        if not rest or self.item.anything or rest in self.item.parts:
            return None
        hint = spelling.did_you_mean(rest, self.item.parts)
        return Unknown("unknown-variable", f'the items of this loop have no "{rest}"', hint)

    def _unknown_own(self, root: str, rest: str) -> Unknown | None:
        """Look at `inputs.` and `outputs.` of the template itself; `inputs.parameters` are all, if only none."""
        if (root, rest) == ("inputs", "parameters"):
            return None
        for template in (self.template, self.inner):
            if template is None:
                continue
            known = _declared(template, root)
            if rest in known or (root == "outputs" and rest in ("result", "exitCode")):
                return None
        hint = spelling.did_you_mean(rest, {name for name in _declared(self.template, root) if "." in name})
        return Unknown("unknown-variable", f'the template has no "{root}.{rest}"', hint)

    def _unknown_node(self, root: str, rest: str) -> Unknown | None:
        if rest == "name":
            return None
        if root != self.prefix:
            hint = f"here it is {self.prefix}.NAME…" if self.prefix else "pass the value in as an input"
            return Unknown("unknown-variable", f'there is no "{root}" in this template', hint)
        name, _, what = rest.partition(".")
        node = self.nodes.get(name)
        word = root[:-1]
        if node is None:
            return Unknown("unknown-variable", f'there is no {word} "{name}"', spelling.did_you_mean(name, self.nodes))
        problem = node.unknown(what) if what else None
        if problem is not None:
            return Unknown("unknown-variable", f'{word} "{name}": {problem}')
        if self.before is not None and name not in self.before and name != self.own:
            return self._too_early(word, name)
        return None

    def _too_early(self, word: str, name: str) -> Unknown:
        if word == "task":
            return Unknown(
                "variable-too-early", f'task "{name}" is none of its dependencies', f'add "{name}" to depends'
            )
        return Unknown("variable-too-early", f'step "{name}" does not come before', "move it to a group below")


def _declared(template: Template, root: str) -> set[str]:
    names: set[str] = set()
    for kind in ("parameters", "artifacts"):
        declared = parameters(template.value, root, kind)
        if declared:
            names.add(kind)
        for name in declared:
            names |= {f"{kind}.{name}", f"{kind}.{name}.path"}
    return names
