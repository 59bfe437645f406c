"""The kinds of object that eventflow knows, and where their models are."""

from importlib import import_module
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pydantic import BaseModel

ARGO: Final = "argoproj.io/v1alpha1"
MODULES: Final = {
    "Workflow": "workflow",
    "WorkflowTemplate": "workflow",
    "ClusterWorkflowTemplate": "workflow",
    "CronWorkflow": "workflow",
    "WorkflowEventBinding": "workflow",
    "EventSource": "eventsource",
    "EventBus": "eventsource",
    "Sensor": "sensor",
    "ConfigMap": "objects",
    "Secret": "objects",
    "PersistentVolumeClaim": "objects",
}
API_VERSIONS: Final = {kind: "v1" if module == "objects" else ARGO for kind, module in MODULES.items()}
LISTS: Final = frozenset({"List", *(f"{kind}List" for kind in MODULES)})
INTERNAL: Final = frozenset({"WorkflowTaskSet", "WorkflowTaskResult", "WorkflowArtifactGCTask"})
FOREIGN: Final = frozenset(
    {
        "ClusterRole",
        "ClusterRoleBinding",
        "CronJob",
        "CustomResourceDefinition",
        "DaemonSet",
        "Deployment",
        "HorizontalPodAutoscaler",
        "Ingress",
        "Job",
        "LimitRange",
        "Namespace",
        "NetworkPolicy",
        "PersistentVolume",
        "Pod",
        "PodDisruptionBudget",
        "PriorityClass",
        "ReplicaSet",
        "ResourceQuota",
        "Role",
        "RoleBinding",
        "Service",
        "ServiceAccount",
        "ServiceMonitor",
        "StatefulSet",
        "StorageClass",
    }
)
"""Kinds that only a cluster has a use for. They are read and left alone, so that whole directories apply."""


def is_foreign(kind: str, api_version: str) -> bool:
    """Tell whether an object is another's: of a kind above, or of a group that is neither Argo's nor the core."""
    group, slash, _ = api_version.partition("/")
    return kind in FOREIGN or (kind not in MODULES and bool(slash) and group != ARGO.partition("/")[0])


CLUSTER_SCOPED: Final = frozenset({"ClusterWorkflowTemplate"})
VERIFY_SCHEMES: Final = (
    "github",
    "gitlab",
    "slack",
    "stripe",
    "standard-webhooks",
    "hmac",
    "bearer",
    "basic",
)


def model_of(kind: str) -> "type[BaseModel]":
    """Return the pydantic model of a kind, imported on first use."""
    module = import_module(f"eventflow.model.{MODULES.get(kind, 'objects')}")
    found: type[BaseModel] = getattr(module, kind if kind in MODULES else "Foreign")
    return found
