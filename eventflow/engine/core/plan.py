"""The plan of a workflow: its templates, resolved and compiled once, and looked up by scope.

A template scope says where a bare template name is looked up: `local` for the workflow's own templates,
`namespaced/NAME` and `cluster/NAME` for those of a WorkflowTemplate or ClusterWorkflowTemplate. A `templateRef` moves
into the scope of what it names (Argo v4.1.2 workflow/templateresolution/context.go).
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from eventflow.engine.core import depends
from eventflow.errors import UserError
from eventflow.expressions import arguments, loop, template

LOCAL = "local"
KINDS = (
    "container",
    "script",
    "steps",
    "dag",
    "suspend",
    "resource",
    "http",
    "containerSet",
    "data",
    "plugin",
)
POD_KINDS = frozenset({"container", "script", "resource", "containerSet", "data"})
COMPOSITE_KINDS = frozenset({"steps", "dag"})
_ITEM_RESULTS = re.compile(r"([a-zA-Z0-9][-a-zA-Z0-9]*)\.(?:AnySucceeded|AllFailed)")
_BODIES = ("steps", "dag", "outputs")
_RESULT = re.compile(r"(?:steps|tasks)(?:\.([-\w]+)|\[\\?['\"]([^'\"\\]+)\\?['\"]\])\.outputs\.result")


class PlanError(UserError):
    """A workflow that refers to what does not exist or is not well formed."""


@dataclass(frozen=True, slots=True)
class Task:
    """One task of a DAG: its manifest, what it waits for, and who waits for it (indices)."""

    manifest: Mapping[str, Any]
    depends: depends.Depends | None
    parents: tuple[int, ...]
    dependants: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Graph:
    """A DAG template's tasks by index, and the names' indices."""

    tasks: Sequence[Task]
    index: Mapping[str, int]


@dataclass(slots=True)
class Template:
    """A template as the machine uses it.

    `kind` is one of KINDS. `head` binds inputs and everything but the bodies of steps and DAGs, which are rendered
    step by step in one pass with all their variables. `captured` names the steps or tasks whose result some tag reads.
    """

    name: str
    manifest: Mapping[str, Any]
    kind: str
    head: arguments.PreparedTemplate
    captured: frozenset[str]
    retry: Mapping[str, Any] | None
    graph: Graph | None = None
    compiled: dict[int, template.CompiledTree] = field(default_factory=dict)

    @property
    def composite(self) -> bool:
        """Whether it holds steps or tasks."""
        return self.kind in COMPOSITE_KINDS

    @property
    def pod(self) -> bool:
        """Whether a runtime runs it."""
        return self.kind in POD_KINDS

    def tree(self, part: Mapping[str, Any]) -> template.CompiledTree:
        """Return a part of the manifest compiled for rendering; cached by the identity of the part."""
        found = self.compiled.get(id(part))
        if found is None:
            found = self.compiled[id(part)] = template.compile_tree(part)
        return found


def scope_of(reference: Mapping[str, Any]) -> str:
    """Return the template scope that a `templateRef` moves into."""
    kind = "cluster" if reference.get("clusterScope") else "namespaced"
    return f"{kind}/{reference.get('name', '')}"


class Library:
    """All templates that a workflow can reach.

    `spec` is the workflow's spec after the merge with its template and the defaults. `external` holds the specs of
    WorkflowTemplates and ClusterWorkflowTemplates by scope.
    """

    def __init__(self, spec: Mapping[str, Any], external: Mapping[str, Mapping[str, Any]]) -> None:
        self.spec = spec
        self.defaults = spec.get("templateDefaults") or {}
        self._manifests: dict[str, dict[str, Mapping[str, Any]]] = {LOCAL: _by_name(spec)}
        for scope, other in external.items():
            self._manifests[scope] = _by_name(other)
        self._templates: dict[tuple[str, str], Template] = {}
        self._inline: dict[int, tuple[Mapping[str, Any], Template]] = {}

    def resolve(self, holder: Mapping[str, Any], scope: str) -> tuple[Template, str]:
        """Return the template that a step, task or hook names, and the scope of the names inside it.

        Raises PlanError.
        """
        if holder.get("inline"):
            return self._inlined(holder["inline"]), scope
        reference = holder.get("templateRef")
        if reference:
            scope, name = scope_of(reference), reference.get("template", "")
        else:
            name = holder.get("template", "")
        return self._named(scope, name), scope

    def _named(self, scope: str, name: str) -> Template:
        found = self._templates.get((scope, name))
        if found is not None:
            return found
        if scope not in self._manifests:
            kind = "cluster workflow template" if scope.startswith("cluster/") else "workflow template"
            raise PlanError(
                f"{kind} {scope.partition('/')[2]!r} not found", hint="apply it first, or load it with --with"
            )
        manifest = self._manifests[scope].get(name)
        if manifest is None:
            where = "" if scope == LOCAL else f" in {scope.partition('/')[2]!r}"
            raise PlanError(f"template {name!r} not found{where}", hint=_known(self._manifests[scope]))
        found = self._templates[(scope, name)] = self._prepare(manifest)
        return found

    def _inlined(self, manifest: Mapping[str, Any]) -> Template:
        found = self._inline.get(id(manifest))
        if found is None:
            found = self._inline[id(manifest)] = (manifest, self._prepare(manifest))
        return found[1]

    def _prepare(self, manifest: Mapping[str, Any]) -> Template:
        merged = merge_defaults(manifest, self.defaults)
        kinds = [kind for kind in KINDS if merged.get(kind) is not None]
        name = merged.get("name", "")
        if len(kinds) != 1:
            problem = "has no template type" if not kinds else f"has several types: {', '.join(kinds)}"
            raise PlanError(f"template {name!r} {problem}", hint=f"give it exactly one of {', '.join(KINDS)}")
        kind = kinds[0]
        prepared = Template(
            name=name,
            manifest=merged,
            kind=kind,
            head=arguments.prepare(merged, _BODIES if kind in COMPOSITE_KINDS else ()),
            captured=captured_results(merged) if kind in COMPOSITE_KINDS else frozenset(),
            retry=merged.get("retryStrategy", self.spec.get("retryStrategy")),
        )
        if kind == "dag":
            prepared.graph = compile_graph(merged["dag"].get("tasks") or [])
        return prepared


def compile_graph(manifests: Sequence[Mapping[str, Any]]) -> Graph:
    """Return a DAG's tasks with their dependencies both ways. Raises PlanError, also for a cycle, naming it."""
    by_name: dict[str, Mapping[str, Any]] = {}
    for manifest in manifests:
        if manifest["name"] in by_name:
            raise PlanError(f"there are two tasks named {manifest['name']!r}")
        by_name[manifest["name"]] = manifest
    _refuse_mixtures(by_name)
    index = {name: number for number, name in enumerate(by_name)}
    continue_on = {name: manifest.get("continueOn") or {} for name, manifest in by_name.items()}
    parsed = [depends.of_task(manifest, continue_on) for manifest in manifests]
    dependants: list[list[int]] = [[] for _ in manifests]
    for number, each in enumerate(parsed):
        for name in each.names if each else ():
            dependants[index[name]].append(number)
    tasks = tuple(
        Task(manifest, each, tuple(index[name] for name in each.names) if each else (), tuple(dependants[number]))
        for number, (manifest, each) in enumerate(zip(manifests, parsed, strict=True))
    )
    _refuse_cycles(tasks)
    return Graph(tasks, index)


def _refuse_mixtures(tasks: Mapping[str, Mapping[str, Any]]) -> None:
    """Refuse what `depends` does not go with. Source: Argo v4.1.2 workflow/validate/validate.go validateDAG."""
    uses_depends = any(task.get("depends") for task in tasks.values())
    for name, task in tasks.items():
        if task.get("depends") and task.get("dependencies"):
            raise PlanError(f"task {name!r} cannot use both 'depends' and 'dependencies'", hint="keep one of them")
        if uses_depends and task.get("continueOn") is not None:
            raise PlanError(
                "cannot use 'continueOn' when using 'depends'",
                hint=f"instead use '{name}.Failed' or '{name}.Errored' in depends",
            )
        for dependency in _ITEM_RESULTS.findall(task.get("depends") or ""):
            if dependency in tasks and not loop.is_loop(tasks[dependency]):
                raise PlanError(
                    f"dependency {dependency!r} uses an items-based condition such as .AnySucceeded or .AllFailed "
                    "but does not contain any items",
                    hint="use .Succeeded or .Failed",
                )


def captured_results(manifest: Mapping[str, Any]) -> frozenset[str]:
    """Return the names of steps or tasks whose `outputs.result` the template's text mentions.

    Source: Argo v4.1.2 workflow/controller/operator.go hasOutputResultRef.
    """
    text = json.dumps(manifest, default=str)
    if ".outputs.result" not in text:
        return frozenset()
    return frozenset(plain or quoted for plain, quoted in _RESULT.findall(text))


def merge_defaults(manifest: Mapping[str, Any], defaults: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a template with `templateDefaults` below it: maps merge by key, everything else is overridden.

    The template type is the template's own: a default container joins only a container template.
    Source: Argo v4.1.2 workflow/controller/operator.go mergedTemplateDefaultsInto (strategic merge).
    """
    if not defaults:
        return manifest
    own = {kind for kind in KINDS if manifest.get(kind) is not None}
    fitting = {key: value for key, value in defaults.items() if key not in KINDS or key in own}
    return _merged(fitting, manifest)


def _merged(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(below)
    for key, value in above.items():
        if isinstance(value, Mapping) and isinstance(merged.get(key), Mapping):
            merged[key] = _merged(merged[key], value)
        else:
            merged[key] = value
    return merged


def _by_name(spec: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    return {manifest.get("name", ""): manifest for manifest in spec.get("templates") or []}


def _known(names: Mapping[str, Any]) -> str:
    listed = ", ".join(sorted(names)[:10])
    return f"there are: {listed}" if listed else "there is none"


def _refuse_cycles(tasks: Sequence[Task]) -> None:
    waiting = [len(task.parents) for task in tasks]
    ready = [number for number, count in enumerate(waiting) if not count]
    for number in ready:  # grows while it is read
        for dependant in tasks[number].dependants:
            waiting[dependant] -= 1
            if not waiting[dependant]:
                ready.append(dependant)
    if len(ready) == len(tasks):
        return
    number = next(each for each, count in enumerate(waiting) if count)
    path: list[int] = []
    while number not in path:
        path.append(number)
        number = next(parent for parent in tasks[number].parents if waiting[parent])
    names = [tasks[each].manifest["name"] for each in [*path[path.index(number) :], number]]
    raise PlanError(f"the tasks wait for each other: {' -> '.join(reversed(names))}", hint="break the cycle")
