"""Triggers of a sensor. Source: Argo Events 6478ece sensor_types.go."""

from typing import Annotated, Any

from pydantic import AfterValidator, Field

from eventflow.model.eventcommon import (
    Backoff,
    Credentials,
    GithubApp,
    NatsAuth,
    S3Events,
    Sasl,
    SchemaRegistry,
    Tls,
)
from eventflow.model.extensions import ParameterSourceExtension, WorkflowTriggerExtension
from eventflow.model.fields import AnyText, Flag, Object, Text, TextMap, Texts, Whole, choice
from eventflow.model.kubernetes import KeySelector

WORKFLOW_OPERATIONS = ("submit", "submit-from", "resubmit", "resume", "retry", "suspend", "terminate", "stop")


class ParameterSource(ParameterSourceExtension):
    """Where a trigger parameter's value comes from."""

    dependency_name: Text = None
    context_key: Text = None
    context_template: Text = None
    data_key: Text = None
    data_template: Text = None
    value: AnyText | None = None
    use_raw_data: Flag = None


class Parameter(Object):
    """A value written into a trigger, its resource or its payload."""

    src: ParameterSource
    dest: Text = None
    operation: Annotated[str, AfterValidator(choice("append", "overwrite", "prepend"))] | None = None


Parameters = list[Parameter] | None


class FilePath(Object):
    """A file of the sensor's machine."""

    path: Text = None


class Url(Object):
    """A manifest behind a URL."""

    path: str
    verify_cert: Flag = None


class GitCredentials(Object):
    """User name and password for git."""

    username: KeySelector | None = None
    password: KeySelector | None = None


class GitRemote(Object):
    """A remote."""

    name: str
    urls: Texts = None


class Git(Object):
    """A manifest in a git repository."""

    url: str
    clone_directory: Text = None
    creds: GitCredentials | None = None
    ssh_key_secret: KeySelector | None = None
    file_path: Text = None
    branch: Text = None
    tag: Text = None
    ref: Text = None
    remote: GitRemote | None = None
    insecure_ignore_host_key: Flag = None
    github_app: GithubApp | None = None


class ManifestSource(Object):
    """Where the manifest of a trigger is: in the sensor itself (`resource`, `inline`) or elsewhere."""

    resource: dict[str, Any] | None = None
    inline: Text = None
    configmap: KeySelector | None = None
    file: FilePath | None = None
    url: Url | None = None
    s3: S3Events | None = None
    git: Git | None = None


class WorkflowTrigger(WorkflowTriggerExtension):
    """Submits or controls a workflow."""

    source: ManifestSource | None = None
    operation: Annotated[str, AfterValidator(choice(*WORKFLOW_OPERATIONS))] | None = None
    parameters: Parameters = None
    args: Texts = None


class K8sTrigger(Object):
    """Creates or changes an object."""

    source: ManifestSource | None = None
    operation: Annotated[str, AfterValidator(choice("create", "update", "patch", "delete"))] | None = None
    parameters: Parameters = None
    patch_strategy: Text = None
    live_object: Flag = None


class ValueSource(Object):
    """A value from a Secret or ConfigMap."""

    secret_key_ref: KeySelector | None = None
    config_map_key_ref: KeySelector | None = None


class SecureHeader(Object):
    """A header whose value is kept elsewhere."""

    name: Text = None
    value_from: ValueSource | None = None


class Parametrized(Object):
    """A trigger with parameters and a payload."""

    parameters: Parameters = None
    payload: Parameters = None


class HttpTrigger(Parametrized):
    """Sends a request."""

    url: str
    method: Annotated[str, AfterValidator(choice("GET", "DELETE", "PATCH", "POST", "PUT"))] | None = None
    tls: Tls | None = None
    timeout: Whole = None
    basic_auth: Credentials | None = None
    headers: TextMap = None
    secure_headers: list[SecureHeader] | None = None
    dynamic_headers: Parameters = None
    host: Text = None


class KafkaTrigger(Parametrized):
    """Produces a record."""

    url: str
    topic: str
    partition: Whole = None
    required_acks: Whole = None
    compress: Flag = None
    flush_frequency: Whole = None
    tls: Tls | None = None
    partitioning_key: Text = None
    version: AnyText | None = None
    sasl: Sasl | None = None
    schema_registry: SchemaRegistry | None = None
    headers: TextMap = None
    secure_headers: list[SecureHeader] | None = None


class NatsTrigger(Parametrized):
    """Publishes to a subject."""

    url: str
    subject: str
    tls: Tls | None = None
    auth: NatsAuth | None = None


class PulsarTrigger(Parametrized):
    """Produces to a topic."""

    url: str
    topic: str
    tls_trust_certs_secret: KeySelector | None = None
    tls_allow_insecure_connection: Flag = None
    tls_validate_hostname: Flag = None
    tls: Tls | None = None
    auth_token_secret: KeySelector | None = None
    connection_backoff: Backoff | None = None
    auth_athenz_params: TextMap = None
    auth_athenz_secret: KeySelector | None = None


class LambdaTrigger(Parametrized):
    """Invokes an AWS Lambda function."""

    function_name: str
    region: Text = None
    access_key: KeySelector | None = None
    secret_key: KeySelector | None = None
    invocation_type: Text = None
    role_arn: Text = Field(None, alias="roleARN")


class EventHubsTrigger(Parametrized):
    """Sends to Azure Event Hubs."""

    fqdn: Text = None
    hub_name: Text = None
    shared_access_key_name: KeySelector | None = None
    shared_access_key: KeySelector | None = None


class ServiceBusTrigger(Parametrized):
    """Sends to Azure Service Bus."""

    connection_string: KeySelector | None = None
    queue_name: Text = None
    topic_name: Text = None
    subscription_name: Text = None
    tls: Tls | None = None


class OpenWhiskTrigger(Parametrized):
    """Invokes an OpenWhisk action."""

    host: str
    action_name: str
    version: Text = None
    namespace: Text = None
    auth_token: KeySelector | None = None


class CustomTrigger(Parametrized):
    """Calls a gRPC server."""

    server_url: str = Field(alias="serverURL")
    secure: Flag = None
    cert_secret: KeySelector | None = None
    server_name_override: Text = None
    spec: TextMap = None


class SlackSender(Object):
    """Who the message is from."""

    username: Text = None
    icon: Text = None


class SlackThread(Object):
    """Which messages share a thread."""

    message_aggregation_key: Text = None
    broadcast_message_to_channel: Flag = None


class SlackTrigger(Object):
    """Posts a message."""

    parameters: Parameters = None
    slack_token: KeySelector | None = None
    channel: Text = None
    message: Text = None
    attachments: Text = None
    blocks: Text = None
    thread: SlackThread | None = None
    sender: SlackSender | None = None


class EmailTrigger(Object):
    """Sends mail."""

    parameters: Parameters = None
    username: Text = None
    smtp_password: KeySelector | None = None
    host: Text = None
    port: Whole = None
    to: Texts = None
    from_: Text = Field(None, alias="from")
    subject: Text = None
    body: Text = None


class LogTrigger(Object):
    """Writes the event to the log."""

    interval_seconds: Whole = None
