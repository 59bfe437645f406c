"""Submission: from a manifest to a stored workflow, with everything it refers to pinned as it is now.

`admit` is a store transaction, so that a firing and its workflow become durable together (T2 of ARCHITECTURE.md).
"""

import copy
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from eventflow.engine.core.definition import Definition
from eventflow.engine.core.plan import LOCAL, Library, scope_of
from eventflow.engine.core.scope import text_of
from eventflow.engine.core.state import WorkflowState
from eventflow.errors import NotFound, UserError
from eventflow.model import identity
from eventflow.store import objects, workflows
from eventflow.store.contract import Work

_SUFFIX_DIGITS = "bcdfghjklmnpqrstvwxz2456789"  # as Kubernetes: no vowels, nothing that reads like another
_NAMED_LISTS = frozenset({"templates", "parameters", "artifacts", "volumes", "volumeClaimTemplates"})
PARAMETER_LABEL = "workflows.argoproj.io/configmap-type"
TEMPLATE_LABEL = "workflows.argoproj.io/workflow-template"
CLUSTER_TEMPLATE_LABEL = "workflows.argoproj.io/cluster-workflow-template"
LONGEST_NAME = 63


@dataclass(frozen=True, slots=True)
class Request:
    """A workflow to submit.

    `key` makes the request repeatable: the same key gives the same workflow (a firing's id, a client's idempotency
    key). `parameters` override the manifest's arguments by name; `labels` and `annotations` are added to it.
    """

    manifest: Mapping[str, Any]
    key: str
    namespace: str = "default"
    firing: str | None = None
    parameters: Mapping[str, Any] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    priority: int | None = None


def admit(request: Request, now: float, defaults: Mapping[str, Any]) -> Work[workflows.Creation]:
    """Store a workflow, unless its key did so before. `defaults` is the settings' `workflowDefaults` object.

    Raises UserError for a manifest that cannot run, NotFound for a template that is not there.
    """
    manifest = _manifest(request)
    namespace = manifest["metadata"]["namespace"]
    name = manifest["metadata"]["name"] = name_of(manifest["metadata"], request)
    uid = identity.uid_for("Workflow", namespace, name, request.key)
    source = yield from _source_spec(manifest, namespace)
    spec = merge(merge(defaults.get("spec") or {}, source), manifest["spec"])
    spec = with_parameters(spec, request.parameters)
    templates = yield from _reachable(spec, namespace)
    config = yield from _config(spec, templates, namespace)
    definition = Definition(manifest, spec, templates, config)
    _check(definition)
    state = _state(manifest, name, namespace, uid, now)
    return (
        yield from workflows.create(
            workflows.NewWorkflow(
                uid=uid,
                namespace=namespace,
                name=name,
                manifest=orjson.dumps(manifest),
                created_at=now,
                definition=orjson.dumps(definition.to_json()),
                state=orjson.dumps(state.to_json()),
                phase="Pending",
                priority=int(spec.get("priority") or 0),
                firing=request.firing,
                labels=state.labels,
                template=(spec.get("workflowTemplateRef") or {}).get("name", ""),
            )
        )
    )


def _manifest(request: Request) -> dict[str, Any]:
    manifest: dict[str, Any] = copy.deepcopy(dict(request.manifest))
    manifest.setdefault("apiVersion", "argoproj.io/v1alpha1")
    manifest.setdefault("kind", "Workflow")
    manifest.pop("status", None)
    metadata = manifest["metadata"] = dict(manifest.get("metadata") or {})
    for key in ("uid", "resourceVersion", "creationTimestamp", "generation", "managedFields", "selfLink"):
        metadata.pop(key, None)
    metadata["namespace"] = metadata.get("namespace") or request.namespace
    for field_name, added in (("labels", request.labels), ("annotations", request.annotations)):
        if added:
            metadata[field_name] = {**(metadata.get(field_name) or {}), **added}
    spec = manifest["spec"] = dict(manifest.get("spec") or {})
    if request.priority is not None:
        spec["priority"] = request.priority
    if request.parameters:
        manifest["spec"] = with_parameters(spec, request.parameters)
    return manifest


def name_of(metadata: Mapping[str, Any], request: Request) -> str:
    """Return the workflow's name: its own, or its prefix and a suffix derived from the request's key."""
    if metadata.get("name"):
        name = str(metadata["name"])
        if len(name) > LONGEST_NAME:
            raise UserError(f"workflow name {name!r} must not be more than {LONGEST_NAME} characters long")
        return name
    prefix = str(metadata.get("generateName") or "")
    if not prefix:
        raise UserError("the workflow has neither a name nor a generateName", hint="set metadata.generateName")
    if request.firing:
        return identity.workflow_name(prefix, request.firing)
    return prefix[: LONGEST_NAME - 5] + _suffix(prefix, request.key)


def _suffix(prefix: str, key: str) -> str:
    number = int(identity.digest("name", prefix, key), 16)
    digits = []
    for _ in range(5):
        number, digit = divmod(number, len(_SUFFIX_DIGITS))
        digits.append(_SUFFIX_DIGITS[digit])
    return "".join(digits)


def _source_spec(manifest: dict[str, Any], namespace: str) -> Work[Mapping[str, Any]]:
    reference = manifest["spec"].get("workflowTemplateRef")
    if not reference:
        return {}
    cluster = bool(reference.get("clusterScope"))
    label = CLUSTER_TEMPLATE_LABEL if cluster else TEMPLATE_LABEL
    labels = manifest["metadata"].setdefault("labels", {})
    labels.setdefault(label, reference.get("name", ""))
    return (yield from _template_spec(scope_of(reference), namespace))


def _template_spec(scope: str, namespace: str) -> Work[Mapping[str, Any]]:
    kind_word, _, name = scope.partition("/")
    cluster = kind_word == "cluster"
    kind = "ClusterWorkflowTemplate" if cluster else "WorkflowTemplate"
    found = yield from objects.get(kind, "" if cluster else namespace, name)
    if found is None:
        raise NotFound(f"{kind} {name!r} not found", hint="apply it first, or load it with --with")
    spec: Mapping[str, Any] = found.spec_manifest.get("spec") or {}
    return spec


def _reachable(spec: Mapping[str, Any], namespace: str) -> Work[dict[str, Mapping[str, Any]]]:
    """Return the specs of all templates that the workflow can name, directly or through others, by scope."""
    found: dict[str, Mapping[str, Any]] = {}
    pending = list(references(spec))
    while pending:
        reference = pending.pop()
        scope = scope_of(reference)
        if "{{" in scope:
            yield from _all_templates(found, pending, namespace, cluster=scope.startswith("cluster/"))
            continue
        if scope in found:
            continue
        try:
            found[scope] = yield from _template_spec(scope, namespace)
        except NotFound:
            found[scope] = {}  # shown by the node that names it, if ever one does
            continue
        pending.extend(references(found[scope]))
    return {scope: each for scope, each in found.items() if each}


def _all_templates(
    found: dict[str, Mapping[str, Any]], pending: list[Mapping[str, Any]], namespace: str, *, cluster: bool
) -> Work[None]:
    """A name made by a tag may turn out to be any template there is."""
    kind = "ClusterWorkflowTemplate" if cluster else "WorkflowTemplate"
    for each in (yield from objects.select(kind, "" if cluster else namespace)):
        scope = scope_of({"name": each.name, "clusterScope": cluster})
        if scope not in found:
            found[scope] = each.spec_manifest.get("spec") or {}
            pending.extend(references(found[scope]))


def references(tree: Any) -> Iterator[Mapping[str, Any]]:
    """Yield every `templateRef` in a manifest."""
    if isinstance(tree, Mapping):
        reference = tree.get("templateRef")
        if isinstance(reference, Mapping):
            yield reference
        for value in tree.values():
            if isinstance(value, Mapping | list):
                yield from references(value)
    elif isinstance(tree, list):
        for value in tree:
            if isinstance(value, Mapping | list):
                yield from references(value)


def _config(
    spec: Mapping[str, Any], templates: Mapping[str, Mapping[str, Any]], namespace: str
) -> Work[dict[str, Mapping[str, str]]]:
    """Return the ConfigMaps that parameters may be read from, if any parameter is."""
    if not any(_mentions(tree, "configMapKeyRef") for tree in (spec, *templates.values())):
        return {}
    found = yield from objects.select("ConfigMap", namespace, {PARAMETER_LABEL: "Parameter"})
    return {each.name: each.spec_manifest.get("data") or {} for each in found}


def _mentions(tree: Any, key: str) -> bool:
    if isinstance(tree, Mapping):
        return key in tree or any(_mentions(value, key) for value in tree.values())
    return isinstance(tree, list) and any(_mentions(value, key) for value in tree)


def _check(definition: Definition) -> None:
    """Refuse what can be seen to be broken before anything runs."""
    spec = definition.spec
    if not spec.get("entrypoint"):
        raise UserError("spec.entrypoint is required", hint="name the template to start with")
    for index, parameter in enumerate((spec.get("arguments") or {}).get("parameters") or ()):
        if not parameter.get("name"):
            raise UserError(f"spec.arguments.parameters[{index}] has no name", hint="give it a name beside its value")
    library = Library(spec, definition.templates)
    library.resolve({"template": spec["entrypoint"]}, LOCAL)
    for template in spec.get("templates") or ():
        library.resolve({"template": template.get("name", "")}, LOCAL)


def _state(manifest: Mapping[str, Any], name: str, namespace: str, uid: str, now: float) -> WorkflowState:
    metadata = manifest["metadata"]
    return WorkflowState(
        name=name,
        namespace=namespace,
        uid=uid,
        created_at=now,
        labels=dict(metadata.get("labels") or {}),
        annotations=dict(metadata.get("annotations") or {}),
    )


def with_parameters(spec: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    """Return a spec whose arguments have the given values; a name that is not there yet is added."""
    if not values:
        return dict(spec)
    arguments = dict(spec.get("arguments") or {})
    parameters: list[dict[str, Any]] = []
    left = dict(values)
    for parameter in arguments.get("parameters") or ():
        if parameter.get("name") in left:
            kept = {key: value for key, value in parameter.items() if key != "valueFrom"}
            parameters.append({**kept, "value": text_of(left.pop(parameter["name"]))})
        else:
            parameters.append(parameter)
    parameters += [{"name": name, "value": text_of(value)} for name, value in left.items()]
    return {**spec, "arguments": {**arguments, "parameters": parameters}}


def merge(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """Return two specs as one: maps by key, lists of named things by name, everything else from `above`.

    Source: Argo v4.1.2 workflow/util/merge.go JoinWorkflowSpec (Kubernetes' strategic merge).
    """
    merged = dict(below)
    for key, value in above.items():
        under = merged.get(key)
        if isinstance(value, Mapping) and isinstance(under, Mapping):
            merged[key] = merge(under, value)
        elif key in _NAMED_LISTS and isinstance(value, list) and isinstance(under, list):
            merged[key] = _merge_named(under, value)
        else:
            merged[key] = value
    return merged


def _merge_named(below: Sequence[Mapping[str, Any]], above: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    by_name = {each.get("name"): each for each in below}
    for each in above:
        under = by_name.get(each.get("name"))
        if under is None:
            by_name[each.get("name")] = each
        elif "value" in each or "valueFrom" in each:
            by_name[each.get("name")] = {**{k: v for k, v in under.items() if k not in ("value", "valueFrom")}, **each}
        else:
            by_name[each.get("name")] = merge(under, each)
    return list(by_name.values())
