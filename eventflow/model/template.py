"""Templates and what calls them. Source: Argo v4.1.2 workflow_types.go, http_types.go, data_types.go,
container_set_template_types.go.
"""

from typing import Annotated, Any

from pydantic import AfterValidator, Field

from eventflow.model import kubernetes
from eventflow.model.artifact import Artifact, Location, Metadata
from eventflow.model.fields import (
    Duration,
    Flag,
    IntOrText,
    Number,
    Object,
    Plains,
    Text,
    TextMap,
    Texts,
    Whole,
    choice,
)
from eventflow.model.kubernetes import KeySelector
from eventflow.model.parameter import Arguments, Inputs, Outputs


class TemplateRef(Object):
    """A template of a WorkflowTemplate or ClusterWorkflowTemplate."""

    name: Text = None
    template: Text = None
    cluster_scope: Flag = None


class Sequence(Object):
    """A loop over numbers."""

    count: IntOrText | None = None
    start: IntOrText | None = None
    end: IntOrText | None = None
    format: Text = None


class ContinueOn(Object):
    """Which failures do not stop what follows."""

    error: Flag = None
    failed: Flag = None


class Hook(Object):
    """A template run when its expression becomes true; `exit` runs at the end."""

    template: Text = None
    template_ref: TemplateRef | None = None
    arguments: Arguments | None = None
    expression: Text = None


class Call(Object):
    """What a step and a task share: a template, its arguments, a loop, a condition."""

    name: Text = None
    template: Text = None
    template_ref: TemplateRef | None = None
    inline: "Template | None" = None
    arguments: Arguments | None = None
    with_items: list[Any] | None = None
    with_param: Text = None
    with_sequence: Sequence | None = None
    when: Text = None
    continue_on: ContinueOn | None = None
    on_exit: Text = None
    hooks: dict[str, Hook] | None = None


class Step(Call):
    """A step; those of one group run side by side."""


class Task(Call):
    """A task of a DAG."""

    name: str
    dependencies: Texts = None
    depends: Text = None


class Dag(Object):
    """Tasks and what they wait for."""

    tasks: list[Task]
    target: Text = None
    fail_fast: Flag = None


class UserContainer(kubernetes.Container):
    """A sidecar or init container."""

    mirror_volume_mounts: Flag = None


class Script(kubernetes.Container):
    """A container whose command gets a script; `source` may come from templateDefaults."""

    source: Text = None


class ContainerNode(kubernetes.Container):
    """A container of a set, and the ones it waits for."""

    name: str
    dependencies: Texts = None


class ContainerSetRetry(Object):
    """How often a container of a set is started anew."""

    retries: IntOrText
    duration: Duration | None = None


class ContainerSet(Object):
    """Several containers in one pod."""

    containers: list[ContainerNode]
    volume_mounts: list[kubernetes.VolumeMount] | None = None
    retry_strategy: ContainerSetRetry | None = None


class ManifestFrom(Object):
    """A manifest kept in an artifact."""

    artifact: Artifact


class ResourceTemplate(Object):
    """An action on a Kubernetes object."""

    action: Annotated[str, AfterValidator(choice("get", "create", "apply", "delete", "replace", "patch"))]
    merge_strategy: Text = None
    manifest: Text = None
    manifest_from: ManifestFrom | None = None
    set_owner_reference: Flag = None
    success_condition: Text = None
    failure_condition: Text = None
    flags: Texts = None


class Suspend(Object):
    """A wait: for a time, or until somebody resumes."""

    duration: Duration | None = None


class HeaderSource(Object):
    """A header's value from a Secret."""

    secret_key_ref: KeySelector | None = None


class Header(Object):
    """A header of an HTTP template."""

    name: str
    value: Text = None
    value_from: HeaderSource | None = None


class BodySource(Object):
    """A body in base64."""

    bytes: Text = None


class HttpTemplate(Object):
    """One HTTP request."""

    url: str
    method: Text = None
    headers: list[Header] | None = None
    timeout_seconds: Whole = None
    success_condition: Text = None
    body: Text = None
    body_from: BodySource | None = None
    insecure_skip_verify: Flag = None


class DataSource(Object):
    """What data is read."""

    artifact_paths: Artifact | None = None


class TransformationStep(Object):
    """An expression over `data`."""

    expression: str


class Data(Object):
    """A list of artifact paths, transformed."""

    source: DataSource
    transformation: list[TransformationStep]


class Backoff(Object):
    """The waits between attempts."""

    duration: Duration | None = None
    factor: IntOrText | None = None
    max_duration: Duration | None = None
    cap: Duration | None = None


class RetryAffinity(Object):
    """Whether another attempt avoids the node of the last."""

    node_anti_affinity: dict[str, Any] | None = None


class RetryStrategy(Object):
    """When a template is tried again; `limit` counts retries, not attempts."""

    limit: IntOrText | None = None
    retry_policy: (
        Annotated[str, AfterValidator(choice("Always", "OnFailure", "OnError", "OnTransientError"))] | None
    ) = None
    backoff: Backoff | None = None
    affinity: RetryAffinity | None = None
    expression: Text = None


class DatabaseKey(Object):
    """A limit kept in the database."""

    key: str


class Semaphore(Object):
    """A number of holders at a time."""

    config_map_key_ref: KeySelector | None = None
    namespace: Text = None
    database: DatabaseKey | None = None


class Mutex(Object):
    """One holder at a time."""

    name: Text = None
    namespace: Text = None
    database: Flag = None


class Synchronization(Object):
    """Locks that are taken together before the start."""

    semaphores: list[Semaphore] | None = None
    mutexes: list[Mutex] | None = None


class CacheMap(Object):
    """The ConfigMap of a cache; `key` is from Argo v3."""

    name: Text = None
    key: Text = None
    optional: Flag = None


class Cache(Object):
    """Where memoized outputs are kept."""

    config_map: CacheMap


class Memoize(Object):
    """Outputs that are reused for an equal key."""

    key: str
    cache: Cache | None = None
    max_age: Text = None


class MetricLabel(Object):
    """A label of a metric."""

    key: str
    value: str


class Gauge(Object):
    """A value that goes up and down."""

    value: str
    realtime: Flag = None
    operation: Text = None


class Histogram(Object):
    """Values counted in buckets."""

    value: str
    buckets: list[Number]


class Counter(Object):
    """A value that only grows."""

    value: str


class Metric(Object):
    """A Prometheus metric of a template or workflow."""

    name: str
    help: Text = None
    labels: list[MetricLabel] | None = None
    when: Text = None
    gauge: Gauge | None = None
    histogram: Histogram | None = None
    counter: Counter | None = None


class Metrics(Object):
    """The metrics that a template or workflow emits."""

    prometheus: list[Metric] | None = None


class ExecutorConfig(Object):
    """The service account of Argo's own containers."""

    service_account_name: Text = None


class PodFields(Object):
    """What a template and a workflow say about pods; most of it is kept for a cluster."""

    node_selector: TextMap = None
    affinity: kubernetes.Affinity | None = None
    tolerations: list[kubernetes.Toleration] | None = None
    scheduler_name: Text = None
    service_account_name: Text = None
    automount_service_account_token: Flag = None
    executor: ExecutorConfig | None = None
    host_aliases: list[kubernetes.HostAlias] | None = None
    security_context: kubernetes.PodSecurityContext | None = None
    pod_spec_patch: Text = None
    pod_resources: kubernetes.Resources | None = None
    resource_claims: Plains = None
    volumes: list[kubernetes.Volume] | None = None
    parallelism: Whole = None
    priority: Whole = None
    metrics: Metrics | None = None
    retry_strategy: RetryStrategy | None = None
    synchronization: Synchronization | None = None


class Template(PodFields):
    """One unit of a workflow: exactly one of the kinds from `container` to `plugin`.

    `priority` is the pod's, from Argo v3.
    """

    name: Text = None
    inputs: Inputs | None = None
    outputs: Outputs | None = None
    metadata: Metadata | None = None
    annotations: TextMap = None
    daemon: Flag = None
    container: kubernetes.Container | None = None
    script: Script | None = None
    steps: list[list[Step]] | None = None
    dag: Dag | None = None
    suspend: Suspend | None = None
    resource: ResourceTemplate | None = None
    http: HttpTemplate | None = None
    container_set: ContainerSet | None = None
    data: Data | None = None
    plugin: dict[str, Any] | None = Field(None, min_length=1, max_length=1)
    init_containers: list[UserContainer] | None = None
    sidecars: list[UserContainer] | None = None
    archive_location: Location | None = None
    active_deadline_seconds: IntOrText | None = None
    fail_fast: Flag = None
    priority_class_name: Text = None
    memoize: Memoize | None = None
    timeout: Duration | None = None
    pending_timeout: Duration | None = None
