"""What a workflow's spec gives to each of its pods.

Source: Argo v4.1.2 workflow/controller/operator.go (setGlobalParameters, createPVCs: claims are named
`<workflow>-<template>`), workflowpod.go (IsArchiveLogs: the template's word counts more than the workflow's).
"""

from collections.abc import Mapping
from typing import Any

from eventflow.expressions import template

FIELDS = (
    "volumes",
    "serviceAccountName",
    "automountServiceAccountToken",
    "nodeSelector",
    "affinity",
    "tolerations",
    "imagePullSecrets",
    "hostNetwork",
    "dnsPolicy",
    "dnsConfig",
    "schedulerName",
    "podPriorityClassName",
    "hostAliases",
    "securityContext",
    "podSpecPatch",
    "podMetadata",
    "volumeClaimTemplates",
    "executor",
    "podDisruptionBudget",
    "resourceClaims",
    "archiveLogs",
)
_WITH_LOGS = ("container", "script", "containerSet")


class PodSpec:
    """The pod-level fields of one workflow, compiled when the first pod needs them."""

    def __init__(self, spec: Mapping[str, Any], workflow: str) -> None:
        self._spec = spec
        self._workflow = workflow
        self._tree: template.CompiledTree | None = None

    def render(self, variables: Mapping[str, Any]) -> dict[str, Any]:
        """Return the fields with the workflow's variables in place. Raises UserError for a tag that is no tag.

        Volumes of claims that the workflow makes for itself are among the `volumes`.
        """
        if self._tree is None:
            self._tree = template.compile_tree({field: self._spec[field] for field in FIELDS if field in self._spec})
        fields: dict[str, Any] = dict(self._tree.render(variables))
        made = [
            {"name": name, "persistentVolumeClaim": {"claimName": claim_name(self._workflow, name)}}
            for name in map(_name, fields.get("volumeClaimTemplates") or ())
        ]
        if made:
            names = {volume["name"] for volume in made}
            fields["volumes"] = made + [each for each in fields.get("volumes") or () if each.get("name") not in names]
        return fields

    def with_logs(self, bound: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return a leaf template that says itself whether its log becomes an artifact."""
        location = bound.get("archiveLocation") or {}
        if location.get("archiveLogs") is not None or not self._spec.get("archiveLogs"):
            return bound
        if not any(bound.get(kind) for kind in _WITH_LOGS):
            return bound
        return {**bound, "archiveLocation": {**location, "archiveLogs": True}}


def claim_name(workflow: str, name: str) -> str:
    """Return the name of the claim that a workflow makes from a template."""
    return f"{workflow}-{name}"


def _name(claim: Mapping[str, Any]) -> str:
    return str((claim.get("metadata") or {}).get("name") or "")
