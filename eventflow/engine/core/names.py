"""Names and ids of nodes and pods, exactly as Argo derives them, because users' tools read them.

Sources: Argo v4.1.2 pkg/apis/workflow/v1alpha1/workflow_types.go (NodeID), workflow/util/pod_name.go (v2),
workflow/controller/operator.go (displayName of a node within its boundary).
"""

import functools
import re

FNV_OFFSET = 2166136261
FNV_PRIME = 16777619
LONGEST_POD_PREFIX = 242  # 253, Kubernetes' limit of a name, less a hash of ten digits and its hyphen

_LEADING_SEPARATOR = re.compile(r"^(\[\d+\])?\.")


@functools.lru_cache(1_024)  # a node's name is hashed for its id, its pod and its `pod.name`, one after the other
def fnv1a(text: str, state: int = FNV_OFFSET) -> int:
    """Return the 32-bit FNV-1a hash of a text in UTF-8; `state` continues an earlier hash."""
    for byte in text.encode():
        state = ((state ^ byte) * FNV_PRIME) & 0xFFFFFFFF
    return state


def node_id(workflow: str, node_name: str) -> str:
    """Return the id of a node: the workflow's own name for its root, else `<workflow>-<hash of the node's name>`."""
    if node_name == workflow:
        return workflow
    return f"{workflow}-{fnv1a(node_name)}"


def pod_name(workflow: str, node_name: str, template: str) -> str:
    """Return the name of a node's pod, `<workflow>-<template>-<hash>`; the root's pod has the workflow's name."""
    if node_name == workflow:
        return workflow
    prefix = f"{workflow}-{template}" if template else workflow
    return f"{prefix[:LONGEST_POD_PREFIX]}-{fnv1a(node_name)}"


def display_name(node_name: str, boundary_name: str | None) -> str:
    """Return what a node is called within its boundary: the name without the boundary's and the step group's part."""
    if boundary_name is None:
        return node_name
    return _LEADING_SEPARATOR.sub("", node_name.removeprefix(boundary_name))
