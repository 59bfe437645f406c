"""Sensor: dependencies, filters, conditions. Source: Argo Events 6478ece sensor_types.go."""

from typing import Annotated, Any

from pydantic import AfterValidator, Field

from eventflow.model import trigger
from eventflow.model.eventcommon import Backoff, PodTemplate
from eventflow.model.extensions import FilterExtension
from eventflow.model.fields import AnyText, Flag, Object, Text, TextMap, Whole, choice
from eventflow.model.workflow import Manifest

Logical = Annotated[str, AfterValidator(choice("and", "or"))]


class PayloadField(Object):
    """A name for a path into the data."""

    path: str
    name: str


class ExprFilter(Object):
    """An expression over named fields."""

    expr: str
    fields: list[PayloadField] | None = None


class DataFilter(Object):
    """A comparison of one value of the data; any of `value` is enough."""

    path: str
    type: Annotated[str, AfterValidator(choice("bool", "number", "string"))]
    value: list[AnyText] = Field(min_length=1)
    comparator: Annotated[str, AfterValidator(choice("=", "!=", ">", ">=", "<", "<="))] | None = None
    template: Text = None


class ContextFilter(Object):
    """Attributes that the event must have."""

    id: Text = None
    source: Text = None
    specversion: Text = None
    type: Text = None
    datacontenttype: Text = None
    subject: Text = None
    time: Any = None


class TimeFilter(Object):
    """A time of day."""

    start: str
    stop: str
    timezone: Text = None


class Filters(FilterExtension):
    """Which events count for a dependency."""

    time: TimeFilter | None = None
    context: ContextFilter | None = None
    data: list[DataFilter] | None = None
    exprs: list[ExprFilter] | None = None
    data_logical_operator: Logical | None = None
    expr_logical_operator: Logical | None = None
    script: Text = None


class Transform(Object):
    """A change of the data before it is filtered."""

    jq: Text = None
    script: Text = None


class Dependency(Object):
    """The events of one source that a sensor waits for."""

    name: str
    event_source_name: str
    event_name: str
    filters: Filters | None = None
    transform: Transform | None = None
    filters_logical_operator: Logical | None = None


class ResetTime(Object):
    """When collected events are forgotten."""

    cron: Text = None
    timezone: Text = None


class ConditionsReset(Object):
    """When collected events are forgotten."""

    by_time: ResetTime | None = None


class TriggerTemplate(Object):
    """What a trigger does, and under which condition."""

    name: str
    conditions: Text = None
    conditions_reset: list[ConditionsReset] | None = None
    k8s: trigger.K8sTrigger | None = Field(None, alias="k8s")
    argo_workflow: trigger.WorkflowTrigger | None = None
    http: trigger.HttpTrigger | None = None
    aws_lambda: trigger.LambdaTrigger | None = None
    custom: trigger.CustomTrigger | None = None
    kafka: trigger.KafkaTrigger | None = None
    nats: trigger.NatsTrigger | None = None
    slack: trigger.SlackTrigger | None = None
    open_whisk: trigger.OpenWhiskTrigger | None = None
    log: trigger.LogTrigger | None = None
    azure_event_hubs: trigger.EventHubsTrigger | None = None
    azure_service_bus: trigger.ServiceBusTrigger | None = None
    pulsar: trigger.PulsarTrigger | None = None
    email: trigger.EmailTrigger | None = None


class K8sPolicy(Object):
    """Labels that the created object must get."""

    labels: TextMap = None
    backoff: Backoff | None = None
    error_on_backoff_timeout: Flag = None


class StatusPolicy(Object):
    """HTTP statuses that count as success."""

    allow: list[int] | None = None


class Policy(Object):
    """When a trigger counts as successful."""

    k8s: K8sPolicy | None = Field(None, alias="k8s")
    status: StatusPolicy | None = None


class RateLimit(Object):
    """How often a trigger may run."""

    unit: Annotated[str, AfterValidator(choice("Second", "Minute", "Hour"))] | None = None
    requests_per_unit: Whole = None


class Trigger(Object):
    """What happens when the conditions hold."""

    template: TriggerTemplate
    parameters: trigger.Parameters = None
    policy: Policy | None = None
    retry_strategy: Backoff | None = None
    rate_limit: RateLimit | None = None
    at_least_once: Flag = None
    dlq_trigger: "Trigger | None" = None


class SensorSpec(Object):
    """Dependencies and the triggers that they fire."""

    dependencies: list[Dependency] = Field(min_length=1)
    triggers: list[Trigger] = Field(min_length=1)
    template: PodTemplate | None = None
    error_on_failed_round: Flag = None
    event_bus_name: Text = None
    replicas: Whole = None
    revision_history_limit: Whole = None
    logging_fields: TextMap = None


class Sensor(Manifest):
    """Turns events into actions."""

    spec: SensorSpec
