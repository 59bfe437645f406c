"""Kubernetes objects inside manifests. What eventflow does not read itself stays plain; the names of the fields are
checked, because a typo is the commonest error.

Source: k8s.io/api v0.34 core/v1, as in Argo v4.1.2 api/jsonschema/schema.json.
"""

from typing import Annotated, Any

from pydantic import AfterValidator, Field

from eventflow.model.fields import (
    AnyText,
    Flag,
    IntOrText,
    Object,
    Plain,
    Plains,
    Text,
    TextMap,
    Texts,
    Whole,
    choice,
)


class KeySelector(Object):
    """One key of a Secret or ConfigMap."""

    name: Text = None
    key: str
    optional: Flag = None


class EnvSource(Object):
    """Where an environment variable's value comes from."""

    config_map_key_ref: KeySelector | None = None
    secret_key_ref: KeySelector | None = None
    field_ref: Plain = None
    resource_field_ref: Plain = None
    file_key_ref: Plain = None


class EnvVar(Object):
    """An environment variable."""

    name: str
    value: Text = None
    value_from: EnvSource | None = None


class EnvFrom(Object):
    """All keys of a ConfigMap or Secret as environment variables."""

    config_map_ref: Plain = None
    secret_ref: Plain = None
    prefix: Text = None


class VolumeMount(Object):
    """A volume at a path of a container."""

    name: str
    mount_path: str
    mount_propagation: Text = None
    read_only: Flag = None
    recursive_read_only: Text = None
    sub_path: Text = None
    sub_path_expr: Text = None


class Resources(Object):
    """What a container asks for and may use; quantities such as `500m` or `1Gi`."""

    limits: dict[str, AnyText] | None = None
    requests: dict[str, AnyText] | None = None
    claims: Plains = None


class Probe(Object):
    """A check of a running container."""

    exec: Plain = None
    grpc: Plain = None
    http_get: Plain = None
    tcp_socket: Plain = None
    initial_delay_seconds: Whole = None
    period_seconds: Whole = None
    timeout_seconds: Whole = None
    success_threshold: Whole = None
    failure_threshold: Whole = None
    termination_grace_period_seconds: Whole = None


class SecurityContext(Object):
    """A container's security settings; kept for a cluster."""

    allow_privilege_escalation: Flag = None
    app_armor_profile: Plain = None
    capabilities: Plain = None
    privileged: Flag = None
    proc_mount: Text = None
    read_only_root_filesystem: Flag = None
    run_as_group: Whole = None
    run_as_non_root: Flag = None
    run_as_user: Whole = None
    se_linux_options: Plain = None
    seccomp_profile: Plain = None
    windows_options: Plain = None


class Container(Object):
    """A container."""

    name: Text = None
    image: Text = None
    command: Texts = None
    args: Texts = None
    working_dir: Text = None
    ports: Plains = None
    env_from: list[EnvFrom] | None = None
    env: list[EnvVar] | None = None
    resources: Resources | None = None
    resize_policy: Plains = None
    restart_policy: Text = None
    restart_policy_rules: Plains = None
    volume_mounts: list[VolumeMount] | None = None
    volume_devices: Plains = None
    liveness_probe: Probe | None = None
    readiness_probe: Probe | None = None
    startup_probe: Probe | None = None
    lifecycle: Plain = None
    termination_message_path: Text = None
    termination_message_policy: Text = None
    image_pull_policy: Annotated[str, AfterValidator(choice("Always", "IfNotPresent", "Never"))] | None = None
    security_context: SecurityContext | None = None
    stdin: Flag = None
    stdin_once: Flag = None
    tty: Flag = None


class PodSecurityContext(Object):
    """A pod's security settings; kept for a cluster."""

    app_armor_profile: Plain = None
    fs_group: Whole = None
    fs_group_change_policy: Text = None
    run_as_group: Whole = None
    run_as_non_root: Flag = None
    run_as_user: Whole = None
    se_linux_change_policy: Text = None
    se_linux_options: Plain = None
    seccomp_profile: Plain = None
    supplemental_groups: list[int] | None = None
    supplemental_groups_policy: Text = None
    sysctls: Plains = None
    windows_options: Plain = None


class ConfigMapVolume(Object):
    """A ConfigMap's keys as files."""

    name: Text = None
    items: Plains = None
    default_mode: Whole = None
    optional: Flag = None


class SecretVolume(Object):
    """A Secret's keys as files."""

    secret_name: Text = None
    items: Plains = None
    default_mode: Whole = None
    optional: Flag = None


class EmptyDir(Object):
    """A directory that lives as long as the pod."""

    medium: Text = None
    size_limit: AnyText | None = None


class ClaimVolume(Object):
    """A PersistentVolumeClaim as a volume."""

    claim_name: str
    read_only: Flag = None


class HostPath(Object):
    """A path of the machine itself."""

    path: str
    type: Text = None


class Volume(Object):
    """A volume of a pod. Kinds that only a cluster has stay plain."""

    name: str
    config_map: ConfigMapVolume | None = None
    secret: SecretVolume | None = None
    empty_dir: EmptyDir | None = None
    persistent_volume_claim: ClaimVolume | None = None
    host_path: HostPath | None = None
    projected: Plain = None
    ephemeral: Plain = None
    downward_api: Plain = Field(None, alias="downwardAPI")
    csi: Plain = None
    nfs: Plain = None
    image: Plain = None
    git_repo: Plain = None
    aws_elastic_block_store: Plain = None
    azure_disk: Plain = None
    azure_file: Plain = None
    cephfs: Plain = None
    cinder: Plain = None
    fc: Plain = None
    flex_volume: Plain = None
    flocker: Plain = None
    gce_persistent_disk: Plain = None
    glusterfs: Plain = None
    iscsi: Plain = None
    photon_persistent_disk: Plain = None
    portworx_volume: Plain = None
    quobyte: Plain = None
    rbd: Plain = None
    scale_io: Plain = Field(None, alias="scaleIO")
    storageos: Plain = None
    vsphere_volume: Plain = None


class Toleration(Object):
    """A taint that a pod bears."""

    key: Text = None
    operator: Text = None
    value: Text = None
    effect: Text = None
    toleration_seconds: Whole = None


class Affinity(Object):
    """Which nodes a pod prefers."""

    node_affinity: Plain = None
    pod_affinity: Plain = None
    pod_anti_affinity: Plain = None


class HostAlias(Object):
    """A line of /etc/hosts."""

    ip: str
    hostnames: Texts = None


class LabelSelector(Object):
    """A choice of objects by their labels."""

    match_labels: TextMap = None
    match_expressions: Plains = None


class ObjectReference(Object):
    """An object of the same namespace, by name."""

    name: Text = None


class ClaimSpec(Object):
    """What a PersistentVolumeClaim asks for."""

    access_modes: Texts = None
    data_source: Plain = None
    data_source_ref: Plain = None
    resources: Resources | None = None
    selector: LabelSelector | None = None
    storage_class_name: Text = None
    volume_attributes_class_name: Text = None
    volume_mode: Text = None
    volume_name: Text = None


class DisruptionBudget(Object):
    """policy/v1 PodDisruptionBudgetSpec; kept for a cluster."""

    max_unavailable: IntOrText | None = None
    min_available: IntOrText | None = None
    selector: LabelSelector | None = None
    unhealthy_pod_eviction_policy: Text = None


class DnsConfig(Object):
    """A pod's DNS settings; kept for a cluster."""

    nameservers: Texts = None
    options: Plains = None
    searches: Texts = None


class ObjectMeta(Object):
    """An object's metadata, also as a server gives it back."""

    name: Text = None
    generate_name: Text = None
    namespace: Text = None
    labels: TextMap = None
    annotations: TextMap = None
    finalizers: Texts = None
    owner_references: Plains = None
    uid: Text = None
    resource_version: Text = None
    generation: Whole = None
    creation_timestamp: Any = None
    deletion_timestamp: Any = None
    deletion_grace_period_seconds: Whole = None
    managed_fields: Plains = None
    self_link: Text = None
