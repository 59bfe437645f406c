"""Event sources that read from a broker. Source: Argo Events 6478ece eventsource_types.go."""

from pydantic import Field

from eventflow.model.eventcommon import Backoff, Credentials, KafkaGroup, NatsAuth, Sasl, SchemaRegistry, Tls
from eventflow.model.fields import AnyText, Flag, Object, Text, TextMap, Texts, Whole
from eventflow.model.hooks import Filter
from eventflow.model.kubernetes import KeySelector


class Queue(Object):
    """What sources that read from a broker share."""

    json_body: Flag = None
    metadata: TextMap = None
    filter: Filter | None = None


class Connected(Queue):
    """A broker with a connection of its own."""

    connection_backoff: Backoff | None = None
    tls: Tls | None = None


class ExchangeDeclare(Object):
    """AMQP exchange options."""

    durable: Flag = None
    auto_delete: Flag = None
    internal: Flag = None
    no_wait: Flag = None


class QueueDeclare(Object):
    """AMQP queue options."""

    name: Text = None
    durable: Flag = None
    auto_delete: Flag = None
    exclusive: Flag = None
    no_wait: Flag = None
    arguments: Text = None


class QueueBind(Object):
    """AMQP binding options."""

    no_wait: Flag = None


class Consume(Object):
    """AMQP consumer options."""

    consumer_tag: Text = None
    auto_ack: Flag = None
    exclusive: Flag = None
    no_local: Flag = None
    no_wait: Flag = None


class Amqp(Connected):
    """RabbitMQ and its like."""

    url: Text = None
    url_secret: KeySelector | None = None
    exchange_name: Text = None
    exchange_type: Text = None
    routing_key: Text = None
    exchange_declare: ExchangeDeclare | None = None
    queue_declare: QueueDeclare | None = None
    queue_bind: QueueBind | None = None
    consume: Consume | None = None
    auth: Credentials | None = None


class MskIam(Object):
    """Login to Amazon MSK by IAM."""

    region: str


class Kafka(Connected):
    """A Kafka topic."""

    url: str
    topic: str
    partition: AnyText | None = None
    consumer_group: KafkaGroup | None = None
    limit_events_per_second: Whole = None
    version: AnyText | None = None
    sasl: Sasl | None = None
    config: Text = None
    schema_registry: SchemaRegistry | None = None
    aws_msk_iam_auth: MskIam | None = None


class Mqtt(Connected):
    """An MQTT topic."""

    url: Text = None
    topic: Text = None
    client_id: Text = None
    auth: Credentials | None = None


class Nats(Connected):
    """A NATS subject."""

    url: Text = None
    subject: Text = None
    auth: NatsAuth | None = None
    queue: Text = None


class Sqs(Queue):
    """Amazon SQS."""

    access_key: KeySelector | None = None
    secret_key: KeySelector | None = None
    session_token: KeySelector | None = None
    region: Text = None
    queue: str
    wait_time_seconds: Whole = None
    role_arn: Text = Field(None, alias="roleARN")
    queue_account_id: Text = None
    dlq: Flag = None
    endpoint: Text = None


class PubSub(Queue):
    """Google Pub/Sub."""

    project_id: Text = Field(None, alias="projectID")
    topic_project_id: Text = Field(None, alias="topicProjectID")
    topic: Text = None
    subscription_id: Text = Field(None, alias="subscriptionID")
    credential_secret: KeySelector | None = None
    delete_subscription_on_finish: Flag = None


class AzureEventsHub(Object):
    """Azure Event Hubs."""

    fqdn: Text = None
    shared_access_key_name: KeySelector | None = None
    shared_access_key: KeySelector | None = None
    hub_name: Text = None
    metadata: TextMap = None
    filter: Filter | None = None


class AzureServiceBus(Queue):
    """Azure Service Bus."""

    connection_string: KeySelector | None = None
    queue_name: Text = None
    topic_name: Text = None
    subscription_name: Text = None
    tls: Tls | None = None
    fully_qualified_namespace: Text = None
    defer_delete: Flag = None


class AzureQueueStorage(Queue):
    """Azure Queue Storage."""

    storage_account_name: Text = None
    connection_string: KeySelector | None = None
    queue_name: Text = None
    dlq: Flag = None
    decode_message: Flag = None
    wait_time_in_seconds: Whole = None


class Emitter(Connected):
    """emitter.io."""

    broker: Text = None
    channel_key: Text = None
    channel_name: Text = None
    username: KeySelector | None = None
    password: KeySelector | None = None


class Redis(Queue):
    """Redis publish and subscribe."""

    host_address: Text = None
    username: Text = None
    password: KeySelector | None = None
    namespace: Text = None
    db: Whole = None
    channels: Texts = None
    tls: Tls | None = None


class RedisStream(Object):
    """Redis streams."""

    host_address: Text = None
    username: Text = None
    password: KeySelector | None = None
    db: Whole = None
    streams: Texts = None
    max_msg_count_per_read: Whole = None
    consumer_group: Text = None
    tls: Tls | None = None
    metadata: TextMap = None
    filter: Filter | None = None


class Nsq(Connected):
    """NSQ."""

    host_address: Text = None
    topic: Text = None
    channel: Text = None


class Pulsar(Connected):
    """Apache Pulsar."""

    topics: Texts = None
    type: Text = None
    url: Text = None
    tls_trust_certs_secret: KeySelector | None = None
    tls_allow_insecure_connection: Flag = None
    tls_validate_hostname: Flag = None
    auth_token_secret: KeySelector | None = None
    auth_athenz_params: TextMap = None
    auth_athenz_secret: KeySelector | None = None


class Mns(Object):
    """Alibaba MNS."""

    access_key: KeySelector | None = None
    secret_key: KeySelector | None = None
    queue: Text = None
    json_body: Flag = None
    endpoint: Text = None
    filter: Filter | None = None


class Generic(Queue):
    """A gRPC server that streams events."""

    url: Text = None
    config: Text = None
    insecure: Flag = None
    auth_secret: KeySelector | None = None
