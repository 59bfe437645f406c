"""The objects that are linted together, and how they refer to one another."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from eventflow.lint.findings import Place
from eventflow.model.manifest import Resource
from eventflow.model.source import value_at

TEMPLATE_KINDS = ("WorkflowTemplate", "ClusterWorkflowTemplate")
SPEC_PATHS: Mapping[str, tuple[str, ...]] = {
    "Workflow": ("spec",),
    "WorkflowTemplate": ("spec",),
    "ClusterWorkflowTemplate": ("spec",),
    "CronWorkflow": ("spec", "workflowSpec"),
}
TYPES = ("container", "script", "steps", "dag", "suspend", "resource", "http", "containerSet", "data", "plugin")
POD_TYPES = frozenset({"container", "script", "resource", "containerSet", "data"})
LEAF_TYPES = POD_TYPES | {"http", "plugin"}


@dataclass(frozen=True)
class Spec:
    """A workflow spec: that of a Workflow, a template of workflows, or a CronWorkflow."""

    place: Place

    @property
    def resource(self) -> Resource:
        """The object it is part of."""
        return self.place.resource

    @property
    def is_template(self) -> bool:
        """Whether it is run only through others, which may supply what it lacks."""
        return self.resource.kind in TEMPLATE_KINDS

    @cached_property
    def value(self) -> dict[str, Any]:
        """The spec itself."""
        return self.place.mapping()

    @cached_property
    def templates(self) -> dict[str, Place]:
        """Its templates by name."""
        return {place.text("name"): place for place in self.place.items("templates")}


@dataclass(frozen=True, slots=True)
class Template:
    """A template and the spec in which its own names are looked up."""

    spec: Spec
    place: Place

    @property
    def value(self) -> dict[str, Any]:
        """The template itself."""
        return self.place.mapping()

    @property
    def type(self) -> str:
        """Its type, empty if it has none or several."""
        found = [name for name in TYPES if name in self.value]
        return found[0] if len(found) == 1 else ""

    @property
    def is_leaf(self) -> bool:
        """Whether it runs something itself."""
        return self.type in LEAF_TYPES


@dataclass(frozen=True, slots=True)
class Unresolved:
    """Why a reference led nowhere. `outside`: the object may exist, but is not among those given."""

    message: str
    hint_from: tuple[str, ...] = ()
    wanted: str = ""
    outside: bool = False


class Catalogue:
    """All objects by kind and name. A namespace that is not said matches any."""

    def __init__(self, resources: Iterable[Resource]) -> None:
        self._named: dict[str, dict[str, list[Resource]]] = defaultdict(lambda: defaultdict(list))
        for resource in resources:
            self._named[resource.kind][resource.name].append(resource)

    def find(self, kind: str, name: str, namespace: str = "") -> Resource | None:
        """Return the object of that kind and name in that namespace."""
        for resource in self._named[kind].get(name, ()):
            if not namespace or not resource.namespace or namespace == resource.namespace:
                return resource
        return None

    def names(self, kind: str) -> tuple[str, ...]:
        """Return the names that objects of a kind have."""
        return tuple(name for name in self._named[kind] if name)

    def spec_of_reference(self, reference: Mapping[str, Any], namespace: str) -> Spec | Unresolved:
        """Return the spec that a workflowTemplateRef or templateRef names."""
        kind = TEMPLATE_KINDS[1 if reference.get("clusterScope") else 0]
        name = str(reference.get("name") or "")
        if not name:
            return Unresolved("the reference lacks a name")
        found = self.find(kind, name, namespace if kind == TEMPLATE_KINDS[0] else "")
        if found is not None:
            return spec_of(found)
        return Unresolved(f'there is no {kind} "{name}" among the files given', self.names(kind), name, outside=True)

    def resolve(self, call: Place, spec: Spec) -> Template | Unresolved | None:
        """Return the template that a step, task or hook runs; None where a tag decides that at run time."""
        value = call.mapping()
        if "inline" in value:
            return Template(spec, call.at("inline"))
        reference = value.get("templateRef")
        name = str((reference or {}).get("template") or "" if reference else value.get("template") or "")
        if "{{" in name or (reference and "{{" in str(reference.get("name"))):
            return None
        if reference:
            found = self.spec_of_reference(reference, spec.resource.namespace)
            if isinstance(found, Unresolved):
                return found
            spec = found
        return named(spec, name)


def named(spec: Spec, name: str) -> Template | Unresolved:
    """Return a spec's template by name."""
    place = spec.templates.get(name)
    if place is not None:
        return Template(spec, place)
    where = f' in {spec.resource.kind} "{spec.resource.name}"' if spec.is_template else ""
    message = f'there is no template "{name}"{where}' if name else "no template is named"
    return Unresolved(message, tuple(spec.templates), name)


def spec_of(resource: Resource) -> Spec:
    """Return the workflow spec of a workflow, template or schedule."""
    return Spec(Place(resource, SPEC_PATHS[resource.kind]))


def parameters(holder: Mapping[str, Any], *steps: str) -> dict[str, dict[str, Any]]:
    """Return the named parameters or artifacts of a list below a mapping."""
    found = value_at(holder, steps)
    return {item["name"]: item for item in found if isinstance(item, dict) and "name" in item} if found else {}
