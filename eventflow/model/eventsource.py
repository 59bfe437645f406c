"""EventSource and EventBus. Source: Argo Events 6478ece eventsource_types.go, eventbus_types.go."""

from typing import Annotated, Any

from pydantic import AfterValidator, Field

from eventflow.model import hooks, queues
from eventflow.model.eventcommon import PodTemplate, S3Events, Service
from eventflow.model.fields import Flag, Object, Plain, Text, TextMap, Texts, Whole, choice
from eventflow.model.hooks import Filter
from eventflow.model.kubernetes import KeySelector
from eventflow.model.workflow import Manifest


class Catchup(Object):
    """What happens to ticks missed while down."""

    enabled: Flag = None
    max_duration: Text = None


class ConfigMapPersistence(Object):
    """Where Argo Events keeps the last tick; eventflow keeps it in its store."""

    name: Text = None
    create_if_not_exist: Flag = None


class Persistence(Object):
    """Whether missed ticks are caught up."""

    catchup: Catchup | None = None
    config_map: ConfigMapPersistence | None = None


class Calendar(Object):
    """A schedule or an interval. Extension: `dst`."""

    schedule: Text = None
    interval: Text = None
    exclusion_dates: Texts = None
    timezone: Text = None
    metadata: TextMap = None
    persistence: Persistence | None = None
    filter: Filter | None = None
    dst: Annotated[str, AfterValidator(choice("argo", "vixie"))] | None = None


class WatchPath(Object):
    """Files of a directory."""

    directory: Text = None
    path: Text = None
    path_regexp: Text = None


class File(Object):
    """Changes of files."""

    event_type: Text = None
    watch_path_config: WatchPath | None = None
    polling: Flag = None
    metadata: TextMap = None
    filter: Filter | None = None


class Sftp(Object):
    """Changes of files on an SFTP server."""

    event_type: Text = None
    watch_path_config: WatchPath | None = None
    username: KeySelector | None = None
    password: KeySelector | None = None
    ssh_key_secret: KeySelector | None = None
    address: KeySelector | None = None
    metadata: TextMap = None
    filter: Filter | None = None
    poll_interval_duration: Text = None


class Hdfs(WatchPath):
    """Changes of files in HDFS."""

    type: Text = None
    check_interval: Text = None
    addresses: Texts = None
    hdfs_user: Text = None
    krb_c_cache_secret: KeySelector | None = None
    krb_keytab_secret: KeySelector | None = None
    krb_username: Text = None
    krb_realm: Text = None
    krb_config_config_map: KeySelector | None = None
    krb_service_principal_name: Text = None
    metadata: TextMap = None
    filter: Filter | None = None


class Selector(Object):
    """A comparison with a label or field."""

    key: str
    operation: Text = None
    value: str


class ResourceFilter(Object):
    """Which objects count."""

    prefix: Text = None
    labels: list[Selector] | None = None
    fields: list[Selector] | None = None
    created_by: Any = None
    after_start: Flag = None


class ResourceWatch(Object):
    """Changes of Kubernetes objects."""

    namespace: Text = None
    filter: ResourceFilter | None = None
    group: Text = None
    version: Text = None
    resource: Text = None
    event_types: list[Annotated[str, AfterValidator(choice("ADD", "UPDATE", "DELETE"))]] | None = None
    metadata: TextMap = None
    cluster: Text = None


class EventSourceSpec(Object):
    """Sources by type, each a map from event name to its settings. `type` is from before Argo Events 1.0."""

    type: Text = None
    event_bus_name: Text = None
    template: PodTemplate | None = None
    service: Service | None = None
    replicas: Whole = None
    webhook: dict[str, hooks.Webhook] | None = None
    github: dict[str, hooks.Github] | None = None
    gitlab: dict[str, hooks.Gitlab] | None = None
    bitbucket: dict[str, hooks.Bitbucket] | None = None
    bitbucketserver: dict[str, hooks.BitbucketServer] | None = None
    slack: dict[str, hooks.Slack] | None = None
    stripe: dict[str, hooks.Stripe] | None = None
    sns: dict[str, hooks.Sns] | None = None
    storage_grid: dict[str, hooks.StorageGrid] | None = None
    gerrit: dict[str, hooks.Gerrit] | None = None
    minio: dict[str, S3Events] | None = None
    calendar: dict[str, Calendar] | None = None
    file: dict[str, File] | None = None
    sftp: dict[str, Sftp] | None = None
    hdfs: dict[str, Hdfs] | None = None
    resource: dict[str, ResourceWatch] | None = None
    amqp: dict[str, queues.Amqp] | None = None
    kafka: dict[str, queues.Kafka] | None = None
    mqtt: dict[str, queues.Mqtt] | None = None
    nats: dict[str, queues.Nats] | None = None
    sqs: dict[str, queues.Sqs] | None = None
    pub_sub: dict[str, queues.PubSub] | None = None
    azure_events_hub: dict[str, queues.AzureEventsHub] | None = None
    azure_service_bus: dict[str, queues.AzureServiceBus] | None = None
    azure_queue_storage: dict[str, queues.AzureQueueStorage] | None = None
    emitter: dict[str, queues.Emitter] | None = None
    redis: dict[str, queues.Redis] | None = None
    redis_stream: dict[str, queues.RedisStream] | None = None
    nsq: dict[str, queues.Nsq] | None = None
    pulsar: dict[str, queues.Pulsar] | None = None
    mns: dict[str, queues.Mns] | None = None
    generic: dict[str, queues.Generic] | None = None


class EventSource(Manifest):
    """Where events come from."""

    spec: EventSourceSpec


class EventBusSpec(Object):
    """Argo Events' bus; eventflow's own store takes its place, so only the kind is looked at."""

    nats: Plain = None
    jetstream: Plain = None
    jetstream_exotic: Plain = None
    kafka: Plain = None


class EventBus(Manifest):
    """Accepted so that existing manifests apply."""

    spec: EventBusSpec | None = Field(None)
