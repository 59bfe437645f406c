"""The workflow's own variables, `workflow.*`.

Source: Argo v4.1.2 workflow/controller/operator.go setGlobalParameters; strftime letters of
github.com/lestrrat-go/strftime as in util/strftime.
"""

import functools
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import orjson

from eventflow import clock
from eventflow.engine.core import evaluation
from eventflow.engine.core.scope import text_of
from eventflow.engine.core.state import UNSUCCESSFUL, Node
from eventflow.errors import UserError

if TYPE_CHECKING:
    from eventflow.engine.core.machine import Workflow

SCHEDULED_TIME = "workflows.argoproj.io/scheduled-time"
STRFTIME = "aAbBcCdDeFHIjklmMnpQrRsStTuUvVwxXyYzZ"
_WORKFLOW_STATUS = {"Skipped": "Succeeded", "Omitted": "Succeeded"}


def fill(workflow: "Workflow") -> None:
    """Set all variables that are known from the start. Raises UserError for a parameter without a value."""
    known = workflow.variables
    state, spec = workflow.state, workflow.definition.spec
    known["workflow.name"] = state.name
    known["workflow.namespace"] = state.namespace
    known["workflow.uid"] = state.uid
    known["workflow.mainEntrypoint"] = spec.get("entrypoint") or ""
    known["workflow.serviceAccountName"] = spec.get("serviceAccountName") or ""
    known["workflow.duration"] = "0.000000"
    if spec.get("priority") is not None:
        known["workflow.priority"] = str(spec["priority"])
    if SCHEDULED_TIME in state.annotations:
        known["workflow.scheduledTime"] = state.annotations[SCHEDULED_TIME]
    known.update(_times(int(state.created_at)))
    known["workflow.creationTimestamp"] = known["workflow.creationTimestamp.RFC3339"] = clock.rfc3339(state.created_at)
    _fill_parameters(known, workflow)
    _fill_metadata(known, workflow)
    for parameter in state.outputs.get("parameters") or ():
        known[f"workflow.outputs.parameters.{parameter['name']}"] = text_of(parameter["value"])
    for artifact in state.outputs.get("artifacts") or ():
        workflow.global_artifacts[f"workflow.outputs.artifacts.{artifact['name']}"] = artifact


@functools.lru_cache(64)  # forty formats a workflow were an eighth of its whole cost
def _times(second: int) -> Mapping[str, str]:
    created = datetime.fromtimestamp(second, UTC)
    known = {f"workflow.creationTimestamp.{letter}": created.strftime(f"%{letter}") for letter in STRFTIME}
    known["workflow.creationTimestamp.s"] = str(second)
    return known


def _fill_parameters(known: dict[str, Any], workflow: "Workflow") -> None:
    parameters = (workflow.definition.spec.get("arguments") or {}).get("parameters") or []
    listed = json.dumps(parameters, separators=(",", ":"), ensure_ascii=False)
    known["workflow.parameters"] = known["workflow.parameters.json"] = listed
    for parameter in parameters:
        known[f"workflow.parameters.{parameter['name']}"] = _parameter(parameter, workflow)


def _parameter(parameter: Mapping[str, Any], workflow: "Workflow") -> str:
    if parameter.get("value") is not None:
        return text_of(parameter["value"])
    value_from = parameter.get("valueFrom") or {}
    reference = value_from.get("configMapKeyRef")
    if reference is not None:
        found = workflow.definition.config_value(reference.get("name", ""), reference.get("key", ""))
        if found is None and value_from.get("default") is None:
            raise UserError(
                f"failed to set global parameter {parameter['name']} from configmap with name "
                f"{reference.get('name')} and key {reference.get('key')}",
                hint="apply a ConfigMap with that key and the label workflows.argoproj.io/configmap-type: Parameter",
            )
        return text_of(value_from["default"]) if found is None else found
    if parameter.get("default") is not None:
        return text_of(parameter["default"])
    raise UserError(
        f"either value or valueFrom must be specified in order to set global parameter {parameter['name']}",
        hint=f"give it with -p {parameter['name']}=VALUE",
    )


def _fill_metadata(known: dict[str, Any], workflow: "Workflow") -> None:
    state = workflow.state
    metadata = workflow.definition.spec.get("workflowMetadata") or {}
    for word, own in (("annotations", state.annotations), ("labels", state.labels)):
        listed = orjson.dumps(own, option=orjson.OPT_SORT_KEYS).decode() if own else "null"
        known[f"workflow.{word}"] = known[f"workflow.{word}.json"] = listed
        for key, value in {**own, **(metadata.get(word) or {})}.items():
            known[f"workflow.{word}.{key}"] = value


def apply_metadata(workflow: "Workflow") -> None:
    """Give the workflow the labels and annotations of `spec.workflowMetadata`, once, as it starts.

    Raises UserError. Source: Argo v4.1.2 workflow/controller/operator.go updateWorkflowMetadata.
    """
    metadata = workflow.definition.spec.get("workflowMetadata") or {}
    state = workflow.state
    state.labels.update(metadata.get("labels") or {})
    state.annotations.update(metadata.get("annotations") or {})
    for label, source in (metadata.get("labelsFrom") or {}).items():
        value = evaluation.evaluate(source.get("expression", ""), workflow.variables)
        if not isinstance(value, str):
            raise UserError(
                f"failed to evaluate label {label!r} expression {source.get('expression')!r}: must be a string"
            )
        state.labels[label] = value
    _fill_metadata(workflow.variables, workflow)


def change_metadata(
    workflow: "Workflow", labels: Mapping[str, str | None], annotations: Mapping[str, str | None]
) -> None:
    """Change labels and annotations while the workflow runs; None removes one."""
    state = workflow.state
    state.labels, state.annotations = merged(state.labels, labels), merged(state.annotations, annotations)
    workflow.touch_state()
    _fill_metadata(workflow.variables, workflow)


def merged(current: Mapping[str, str], changes: Mapping[str, str | None]) -> dict[str, str]:
    """Return labels or annotations with changes made; None removes one."""
    return {key: value for key, value in {**current, **changes}.items() if value is not None}


def set_status(workflow: "Workflow", root: Node) -> None:
    """Set `workflow.status` from the root node's phase."""
    workflow.variables["workflow.status"] = _WORKFLOW_STATUS.get(root.phase, str(root.phase))


def set_end(workflow: "Workflow") -> None:
    """Set what exit handlers and last hooks see: `workflow.failures` (quoted JSON, as in Argo) and the duration."""
    failed = [_failure(node) for node in workflow.nodes if node.phase in UNSUCCESSFUL]
    listed = json.dumps(failed, separators=(",", ":"), ensure_ascii=False) if failed else "null"
    workflow.variables["workflow.failures"] = json.dumps(listed, ensure_ascii=False)
    set_duration(workflow)


def set_duration(workflow: "Workflow") -> None:
    """Set `workflow.duration`: seconds since the start, six digits of fraction."""
    workflow.variables["workflow.duration"] = f"{max(workflow.at - workflow.state.started_at, 0.0):.6f}"


def _failure(node: Node) -> dict[str, Any]:
    return {
        "displayName": node.display_name,
        "message": node.message,
        "templateName": node.template or (node.template_ref or {}).get("template", ""),
        "phase": str(node.phase),
        "podName": node.pod or node.id,
        "finishedAt": clock.rfc3339(node.finished_at) if node.finished_at else None,
    }
