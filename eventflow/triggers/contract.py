"""What a trigger is: first a plan, made of events and nothing else, then a deed.

A plan (`Action`) is plain JSON, so that it can be kept in the outbox and done later, by another process, in the same
way. A deed is one of two: a transaction, which becomes durable together with the firing that asked for it (a workflow),
or a call to the outside, which is made after that, again and again until it succeeds or is given up.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from eventflow.artifacts.outbound import Outbound
from eventflow.catalog import Catalog
from eventflow.clock import Clock
from eventflow.engine.service import Engine
from eventflow.model.cloudevent import CloudEvent
from eventflow.plugins import Registry
from eventflow.store.contract import Work
from eventflow.store.workflows import Header

GROUP = "eventflow.triggers"

Action = dict[str, Any]
Events = Mapping[str, CloudEvent]
"""The events that take part in a firing, transformed, by dependency."""

SENSOR_LABEL = "events.argoproj.io/sensor"
TRIGGER_LABEL = "events.argoproj.io/trigger"
TIME_LABEL = "events.argoproj.io/action-timestamp"


@dataclass(frozen=True, slots=True)
class Firing:
    """A sensor's decision, as triggers see it. `id` is what a receiver can tell repetitions by; `at` epoch seconds."""

    id: str
    sensor: str
    trigger: str
    namespace: str
    at: float

    @property
    def labels(self) -> dict[str, str]:
        """What Argo Events puts on the objects that a trigger makes (pkg/sensors/triggers/standard-k8s)."""
        return {
            SENSOR_LABEL: self.sensor.rpartition("/")[2],
            TRIGGER_LABEL: self.trigger,
            TIME_LABEL: str(int(self.at * 1000)),
        }


@dataclass(frozen=True, slots=True)
class Done:
    """What a deed came to: a word (`created`, `delivered` ...), what is worth keeping of it, a workflow to wake."""

    outcome: str
    detail: dict[str, Any] = field(default_factory=dict)
    started: Header | None = None


class Trigger(Protocol):
    """One kind of trigger, for all sensors. `template` is the block named after the kind in a sensor's trigger."""

    def check(self, template: Mapping[str, Any]) -> None:
        """Raise UserError for a template that can never work, whatever the events."""

    def plan(self, template: Mapping[str, Any], policy: Mapping[str, Any], events: Events, firing: Firing) -> Action:
        """Return what is to be done. Pure. Raises UserError when the events do not give what the template needs."""

    def enact(self, action: Action, firing: Firing) -> Work[Done] | None:
        """Return the transaction that does it, None when it cannot be done by one. The transaction raises UserError."""

    async def perform(self, action: Action, firing: Firing) -> Done:
        """Do it, at least once. Raises TemporaryError, UserError (may be mended by users), PermanentError."""


@dataclass(frozen=True, slots=True)
class Environment:
    """What triggers may use."""

    engine: Engine
    catalog: Catalog
    outbound: Outbound
    clock: Clock


@dataclass(frozen=True, slots=True)
class TriggerPlugin:
    """What an entry of the group `eventflow.triggers` points to. `name` is the block's name in the manifest."""

    name: str
    summary: str
    build: Callable[[Environment], Trigger]


def registry() -> Registry[TriggerPlugin]:
    """Return the kinds of trigger that come with eventflow, and those that packages add."""
    here = "eventflow.triggers"
    return Registry(
        "trigger",
        GROUP,
        {
            "argoWorkflow": f"{here}.workflow:PLUGIN",
            "k8s": f"{here}.objects:PLUGIN",
            "http": f"{here}.http:PLUGIN",
            "log": f"{here}.log:PLUGIN",
        },
    )


class Triggers:
    """The kinds of trigger, each built when first needed."""

    def __init__(self, plugins: Registry[TriggerPlugin], environment: Environment) -> None:
        self._plugins = plugins
        self._environment = environment
        self._built: dict[str, Trigger] = {}

    def of(self, kind: str) -> Trigger:
        """Return the trigger of a kind. Raises NotFound for one that is not known, MissingExtra."""
        if kind not in self._built:
            self._built[kind] = self._plugins.load(kind).build(self._environment)
        return self._built[kind]
