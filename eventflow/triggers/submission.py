"""From a trigger's manifest to a request for the engine: what `argo submit` would make of it.

Source: Argo Events pkg/sensors/triggers/argo-workflow/argo-workflow.go, Argo Workflows cmd/argo/commands/submit.go.
Differences: `submit-from` takes the arguments of the resource and knows ClusterWorkflowTemplates; retries create one
workflow, because the firing names it.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import orjson

from eventflow.engine import rerun, submission
from eventflow.engine.service import Engine
from eventflow.engine.submission import Request
from eventflow.errors import Conflict, NotFound, UserError
from eventflow.model import kinds, legacy
from eventflow.store import objects, workflows
from eventflow.store.contract import Work
from eventflow.triggers.contract import Action, Done, Firing

FROM_KINDS = ("WorkflowTemplate", "ClusterWorkflowTemplate", "CronWorkflow")
_CRON_LABEL = "workflows.argoproj.io/cron-workflow"
_FLAGS = {
    "-p": "parameter",
    "--parameter": "parameter",
    "-l": "labels",
    "--labels": "labels",
    "--name": "name",
    "--generate-name": "generateName",
    "--entrypoint": "entrypoint",
    "--serviceaccount": "serviceAccountName",
    "--service-account": "serviceAccountName",
    "--priority": "priority",
    "-n": "namespace",
    "--namespace": "namespace",
}


def plain(resource: Mapping[str, Any]) -> dict[str, Any]:
    """Return a manifest in today's spelling with its scalars as the models read them; as it is if they refuse it.

    What is refused here may be mended by the trigger's parameters, and is refused again when it is submitted.
    """
    from pydantic import ValidationError

    kind = resource.get("kind")
    if kind not in kinds.MODULES:
        return dict(resource)
    tree = legacy.rewrite({"apiVersion": kinds.API_VERSIONS[kind], "metadata": {}, **resource}).tree
    try:
        checked = kinds.model_of(kind).model_validate(tree)
    except ValidationError:
        return dict(resource)
    return checked.model_dump(by_alias=True, exclude_unset=True, exclude_none=True)


def options(args: Sequence[str]) -> dict[str, Any]:
    """Read the arguments of `argo submit`: parameters, labels, name, entrypoint ... Raises UserError for others."""
    found: dict[str, Any] = {"parameters": {}, "labels": {}}
    for name, value in _pairs(args):
        if name == "parameter":
            key, _, text = value.partition("=")
            found["parameters"][key] = text
        elif name == "labels":
            found["labels"] |= dict(pair.partition("=")[::2] for pair in value.split(",") if pair)
        else:
            found[name] = value
    return found


def _pairs(args: Sequence[str]) -> Iterator[tuple[str, str]]:
    left = iter(args)
    for arg in left:
        flag, equals, value = arg.partition("=")
        if not flag.startswith("--") and flag.startswith("-") and len(flag) > 2:
            flag, value, equals = arg[:2], arg[2:], "="
        if flag not in _FLAGS:
            known = ", ".join(sorted(_FLAGS))
            raise UserError(f"argument {flag!r} of argo submit is not known here", hint=f"known are {known}")
        if not equals:
            value = next(left, "")
        yield _FLAGS[flag], value


def request(action: Action, firing: Firing) -> Request:
    """Return the request of a planned submission; its manifest gets a name made of the trigger's if it has none."""
    manifest = action["manifest"]
    metadata = dict(manifest.get("metadata") or {})
    if not metadata.get("name") and not metadata.get("generateName"):
        metadata["generateName"] = f"{firing.trigger}-"
    return Request(
        manifest={**manifest, "metadata": metadata},
        key=firing.id,
        namespace=firing.namespace,
        firing=firing.id,
        parameters=action.get("parameters") or {},
        labels={**firing.labels, **(action.get("labels") or {})},
        priority=action.get("priority"),
    )


def admit(engine: Engine, asked: Request) -> Work[Done]:
    """Store the workflow of a firing, once. Raises UserError, Conflict when another workflow has its name."""
    creation = yield from engine.admit(asked)
    header = creation.header
    if not creation.created and header.firing != asked.firing:
        raise Conflict(f"workflow {header.name!r} already exists", hint="use generateName instead of name")
    return Done("created", {"workflow": header.name, "namespace": header.namespace, "uid": header.uid}, header)


def template_manifest(
    kind: str, namespace: str, name: str, arguments: Mapping[str, Any] | None
) -> Work[dict[str, Any]]:
    """Return the Workflow that `argo submit --from kind/name` makes. Raises NotFound."""
    there = "" if kind in kinds.CLUSTER_SCOPED else namespace
    found = yield from objects.get(kind, there, name)
    if found is None:
        raise NotFound(f"{kind} {name!r} not found", hint="apply it first")
    if kind == "CronWorkflow":
        return _of_cron(found, arguments)
    reference: dict[str, Any] = {"name": name}
    if kind in kinds.CLUSTER_SCOPED:
        reference["clusterScope"] = True
    spec: dict[str, Any] = {"workflowTemplateRef": reference}
    if arguments:
        spec["arguments"] = dict(arguments)
    return {"metadata": {"generateName": f"{name}-", "namespace": namespace}, "spec": spec}


def _of_cron(found: objects.Object, arguments: Mapping[str, Any] | None) -> dict[str, Any]:
    spec = dict(found.spec_manifest["spec"].get("workflowSpec") or {})
    if arguments:
        spec = submission.merge(spec, {"arguments": arguments})
    metadata = found.spec_manifest["spec"].get("workflowMetadata") or {}
    labels = {**(metadata.get("labels") or {}), _CRON_LABEL: found.name}
    return {
        "metadata": {
            "generateName": f"{found.name}-",
            "namespace": found.namespace,
            "labels": labels,
            "annotations": dict(metadata.get("annotations") or {}),
        },
        "spec": spec,
    }


def resubmission(namespace: str, name: str) -> Work[dict[str, Any]]:
    """Return the manifest of a workflow, to be run anew under another name. Raises NotFound."""
    header = yield from workflows.load_named(namespace, name)
    bodies = None if header is None else (yield from workflows.bodies(header.seq))
    if bodies is None:
        raise NotFound(f"workflow {name!r} not found in namespace {namespace!r}")
    manifest: dict[str, Any] = orjson.loads(bodies.manifest)
    metadata = manifest.get("metadata") or {}
    kept = {key: metadata[key] for key in ("annotations", "namespace") if key in metadata}
    prefix = metadata.get("generateName") or f"{name}-"
    labels = {**(metadata.get("labels") or {}), rerun.RESUBMITTED_LABEL: name}
    return {**manifest, "metadata": {**kept, "generateName": prefix, "labels": labels}}
