"""Workflows, their templates, schedules and event bindings.

Source: Argo v4.1.2 workflow_types.go, workflow_template_types.go, cron_workflow_types.go, event_types.go.
"""

from typing import Annotated, Any

from pydantic import AfterValidator, Field

from eventflow.model import kubernetes
from eventflow.model.artifact import ArtifactGC, Metadata
from eventflow.model.fields import Duration, Flag, Object, Plain, Text, TextMap, Whole, choice
from eventflow.model.parameter import Arguments
from eventflow.model.template import Hook, PodFields, Template


class WorkflowTemplateRef(Object):
    """The WorkflowTemplate or ClusterWorkflowTemplate that a workflow runs."""

    name: Text = None
    cluster_scope: Flag = None


class TtlStrategy(Object):
    """Seconds after which a finished workflow is deleted."""

    seconds_after_completion: Whole = None
    seconds_after_success: Whole = None
    seconds_after_failure: Whole = None


_POD_GC = choice("OnPodCompletion", "OnPodSuccess", "OnWorkflowCompletion", "OnWorkflowSuccess")


class PodGC(Object):
    """When finished pods are deleted."""

    strategy: Annotated[str, AfterValidator(_POD_GC)] | None = None
    label_selector: kubernetes.LabelSelector | None = None
    delete_delay_duration: Duration | None = None


class VolumeClaimGC(Object):
    """When the volumes of volumeClaimTemplates are deleted."""

    strategy: Annotated[str, AfterValidator(choice("OnWorkflowCompletion", "OnWorkflowSuccess"))] | None = None


class WorkflowArtifactGC(ArtifactGC):
    """When a workflow's artifacts are deleted."""

    force_finalizer_removal: Flag = None
    pod_spec_patch: Text = None


class ArtifactRepositoryRef(Object):
    """The ConfigMap and key that describe the artifact repository."""

    config_map: Text = None
    key: Text = None


class LabelFrom(Object):
    """A label's value as an expression."""

    expression: str


class WorkflowMetadata(Object):
    """Labels and annotations of the workflow itself."""

    labels: TextMap = None
    annotations: TextMap = None
    labels_from: dict[str, LabelFrom] | None = None


class VolumeClaim(Object):
    """A PersistentVolumeClaim, whole or as a template."""

    api_version: Text = None
    kind: Text = None
    metadata: kubernetes.ObjectMeta | None = None
    spec: kubernetes.ClaimSpec | None = None
    status: Plain = None


class WorkflowSpec(PodFields):
    """What a workflow does, and the limits it runs in. `podPriority` is from Argo v3."""

    entrypoint: Text = None
    templates: list[Template] | None = None
    arguments: Arguments | None = None
    workflow_template_ref: WorkflowTemplateRef | None = None
    volume_claim_templates: list[VolumeClaim] | None = None
    artifact_repository_ref: ArtifactRepositoryRef | None = None
    suspend: Flag = None
    image_pull_secrets: list[kubernetes.ObjectReference] | None = None
    host_network: Flag = None
    dns_policy: Text = None
    dns_config: kubernetes.DnsConfig | None = None
    on_exit: Text = None
    hooks: dict[str, Hook] | None = None
    ttl_strategy: TtlStrategy | None = None
    active_deadline_seconds: Whole = None
    pod_gc: PodGC | None = Field(None, alias="podGC")
    pod_priority_class_name: Text = None
    pod_priority: Whole = None
    pod_disruption_budget: kubernetes.DisruptionBudget | None = None
    shutdown: Annotated[str, AfterValidator(choice("Stop", "Terminate"))] | None = None
    volume_claim_gc: VolumeClaimGC | None = Field(None, alias="volumeClaimGC")
    pod_metadata: Metadata | None = None
    template_defaults: Template | None = None
    archive_logs: Flag = None
    workflow_metadata: WorkflowMetadata | None = None
    artifact_gc: WorkflowArtifactGC | None = Field(None, alias="artifactGC")
    executor_plugins: list[dict[str, Any]] | None = None


class Manifest(Object):
    """What all kinds share."""

    api_version: str
    kind: str
    metadata: kubernetes.ObjectMeta
    status: Plain = None


class Workflow(Manifest):
    """A run, or what is to be run."""

    spec: WorkflowSpec


class WorkflowTemplate(Manifest):
    """Templates to be used by workflows of its namespace."""

    spec: WorkflowSpec


class ClusterWorkflowTemplate(Manifest):
    """Templates to be used by workflows of every namespace."""

    spec: WorkflowSpec


class StopStrategy(Object):
    """When a CronWorkflow ends for good."""

    expression: str


class CronWorkflowSpec(Object):
    """When to run what. Extension: `dst: argo|vixie` chooses what happens where the clock changes."""

    workflow_spec: WorkflowSpec
    schedules: list[str] = Field(min_length=1)
    timezone: Text = None
    concurrency_policy: Annotated[str, AfterValidator(choice("Allow", "Forbid", "Replace"))] | None = None
    suspend: Flag = None
    starting_deadline_seconds: Whole = Field(None, ge=0)
    successful_jobs_history_limit: Whole = None
    failed_jobs_history_limit: Whole = None
    workflow_metadata: kubernetes.ObjectMeta | None = None
    stop_strategy: StopStrategy | None = None
    when: Text = None
    dst: Annotated[str, AfterValidator(choice("argo", "vixie"))] | None = None


class CronWorkflow(Manifest):
    """A workflow on a schedule."""

    spec: CronWorkflowSpec


class EventSelector(Object):
    """Which events a binding takes."""

    selector: str


class Submit(Object):
    """The workflow that an event starts."""

    workflow_template_ref: WorkflowTemplateRef
    metadata: kubernetes.ObjectMeta | None = None
    arguments: Arguments | None = None


class WorkflowEventBindingSpec(Object):
    """Events posted to the API, and what they start."""

    event: EventSelector
    submit: Submit | None = None


class WorkflowEventBinding(Manifest):
    """Starts workflows for events posted to the API."""

    spec: WorkflowEventBindingSpec
