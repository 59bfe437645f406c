"""A workflow as users' tools read it: the Argo Workflow object, with `status.nodes`.

Source of the form: Argo v4.1.2 pkg/apis/workflow/v1alpha1/workflow_types.go WorkflowStatus, NodeStatus.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from eventflow.clock import rfc3339
from eventflow.engine.core import progress
from eventflow.engine.core.definition import Definition
from eventflow.engine.core.state import Node, WorkflowState


def workflow_object(definition: Definition, state: WorkflowState, nodes: Sequence[Node]) -> dict[str, Any]:
    """Return the Workflow object. `nodes` are all of its nodes, with `children` filled in."""
    manifest = dict(definition.manifest)
    metadata = dict(manifest.get("metadata") or {})
    metadata |= {
        "name": state.name,
        "namespace": state.namespace,
        "uid": state.uid,
        "creationTimestamp": rfc3339(state.created_at),
    }
    if state.labels:
        metadata["labels"] = dict(state.labels)
    if state.annotations:
        metadata["annotations"] = dict(state.annotations)
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Workflow",
        "metadata": metadata,
        "spec": manifest.get("spec") or {},
        "status": status_object(definition, state, nodes),
    }


def status_object(definition: Definition, state: WorkflowState, nodes: Sequence[Node]) -> dict[str, Any]:
    """Return the status of a workflow."""
    status: dict[str, Any] = {"phase": state.phase}
    if state.started_at:
        status["startedAt"] = rfc3339(state.started_at)
    status["finishedAt"] = rfc3339(state.finished_at) if state.finished_at else None
    if state.message:
        status["message"] = state.message
    status["progress"] = progress.overall(nodes)
    if state.ended:
        status["conditions"] = [{"type": "Completed", "status": "True"}]
    if state.outputs:
        status["outputs"] = state.outputs
    if definition.manifest.get("spec", {}).get("workflowTemplateRef"):
        status["storedWorkflowTemplateSpec"] = definition.spec
    status["nodes"] = node_objects(nodes)
    return status


def node_objects(nodes: Sequence[Node]) -> dict[str, dict[str, Any]]:
    """Return `status.nodes`: each node by its id."""
    shown = progress.of_nodes(nodes)
    return {node.id: node_object(node, nodes, shown[node.ordinal]) for node in nodes}


def node_object(node: Node, nodes: Sequence[Node], shown_progress: str) -> dict[str, Any]:
    """Return one node as it stands in `status.nodes`."""
    found: dict[str, Any] = {
        "id": node.id,
        "name": node.name,
        "displayName": node.display_name,
        "type": str(node.type),
        "phase": str(node.phase),
        "startedAt": rfc3339(node.started_at) if node.started_at else None,
        "finishedAt": rfc3339(node.finished_at) if node.finished_at else None,
    }
    optional = {
        "templateName": node.template,
        "templateRef": node.template_ref,
        "templateScope": node.scope,
        "message": node.message,
        "progress": shown_progress,
        "boundaryID": nodes[node.boundary].id if node.boundary >= 0 else "",
        "children": _ids(nodes, node.children),
        "outboundNodes": _ids(nodes, node.outbound),
        "inputs": node.inputs,
        "outputs": node.outputs,
        "podIP": node.ip,
        "hostNodeName": node.host,
        "daemoned": node.daemoned,
        "memoizationStatus": node.memo,
        "nodeFlag": _flags(node),
        "synchronizationStatus": {"waiting": node.waiting} if node.waiting else None,
    }
    found.update((key, value) for key, value in optional.items() if value)
    return found


def _ids(nodes: Sequence[Node], ordinals: Iterable[int]) -> list[str]:
    return [nodes[ordinal].id for ordinal in ordinals]


def _flags(node: Node) -> Mapping[str, bool]:
    flags = {"hooked": node.hooked, "retried": node.retried}
    return {key: value for key, value in flags.items() if value}


def link(nodes: Sequence[Node]) -> None:
    """Fill in `children` of nodes loaded from the store."""
    for node in nodes:
        for parent in node.parents:
            nodes[parent].children.append(node.ordinal)
