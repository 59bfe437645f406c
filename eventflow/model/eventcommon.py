"""What event sources and sensors share. Source: Argo Events 6478ece pkg/apis/events/v1alpha1."""

from typing import Annotated

from pydantic import AfterValidator, Field

from eventflow.model import kubernetes
from eventflow.model.artifact import Metadata
from eventflow.model.fields import AnyText, Flag, Number, Object, Plains, Text, TextMap, Texts, Whole, choice
from eventflow.model.kubernetes import KeySelector


class Backoff(Object):
    """Waits between attempts; a bare number counts nanoseconds in Argo Events."""

    duration: AnyText | None = None
    factor: Number | None = None
    jitter: Number | None = None
    steps: Whole = None


class Credentials(Object):
    """User name and password from Secrets."""

    username: KeySelector | None = None
    password: KeySelector | None = None


class Tls(Object):
    """TLS of a client."""

    ca_cert_secret: KeySelector | None = Field(None, alias="caCertSecret")
    client_cert_secret: KeySelector | None = None
    client_key_secret: KeySelector | None = None
    insecure_skip_verify: Flag = None
    enabled: Flag = None


class Sasl(Object):
    """How a Kafka client logs in."""

    mechanism: (
        Annotated[
            str,
            AfterValidator(
                choice(
                    "OAUTHBEARER", "SCRAM-SHA-256", "SCRAM-SHA-512", "GSSAPI", "PLAIN", "SCRAM-SHA256", "SCRAM-SHA512"
                )
            ),
        ]
        | None
    ) = None
    user_secret: KeySelector | None = None
    password_secret: KeySelector | None = None


class SchemaRegistry(Object):
    """Avro schemas of Kafka messages."""

    url: str
    schema_id: Whole = None
    auth: Credentials | None = None


class KafkaGroup(Object):
    """A Kafka consumer group."""

    group_name: str
    oldest: Flag = None
    rebalance_strategy: Annotated[str, AfterValidator(choice("sticky", "roundrobin", "range"))] | None = None


class NatsAuth(Object):
    """How a NATS client logs in."""

    basic: Credentials | None = None
    token: KeySelector | None = None
    nkey: KeySelector | None = None
    credential: KeySelector | None = None


class GithubApp(Object):
    """A GitHub App's credentials."""

    private_key: KeySelector
    app_id: Whole = Field(None, alias="appID")
    installation_id: Whole = Field(None, alias="installationID")


class PodContainer(Object):
    """The container of a source's or sensor's pod; kept for a cluster."""

    resources: kubernetes.Resources | None = None
    image_pull_policy: Text = None
    security_context: kubernetes.SecurityContext | None = None
    volume_mounts: list[kubernetes.VolumeMount] | None = None
    env: list[kubernetes.EnvVar] | None = None
    env_from: list[kubernetes.EnvFrom] | None = None


class PodTemplate(Object):
    """The pod of a source or sensor; kept for a cluster."""

    metadata: Metadata | None = None
    service_account_name: Text = None
    container: PodContainer | None = None
    volumes: list[kubernetes.Volume] | None = None
    security_context: kubernetes.PodSecurityContext | None = None
    node_selector: TextMap = None
    tolerations: list[kubernetes.Toleration] | None = None
    image_pull_secrets: list[kubernetes.ObjectReference] | None = None
    priority_class_name: Text = None
    priority: Whole = None
    affinity: kubernetes.Affinity | None = None


class S3Bucket(Object):
    """A bucket, and a key in it."""

    name: str
    key: Text = None


class PrefixSuffix(Object):
    """Which keys count, by their beginning and end."""

    prefix: Text = None
    suffix: Text = None


class S3Events(Object):
    """A bucket on an S3-compatible store: where events come from, or where a manifest is kept."""

    endpoint: Text = None
    bucket: S3Bucket | None = None
    region: Text = None
    insecure: Flag = None
    access_key: KeySelector | None = None
    secret_key: KeySelector | None = None
    events: Texts = None
    filter: PrefixSuffix | None = None
    metadata: TextMap = None
    ca_certificate: KeySelector | None = None


class Service(Object):
    """The Service in front of an event source; kept for a cluster."""

    metadata: Metadata | None = None
    ports: Plains = None
    cluster_ip: Text = Field(None, alias="clusterIP")
