"""From a Sensor's manifest to a sensor ready to decide: filters compiled, conditions parsed, templates made plain."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from eventflow.errors import UserError
from eventflow.expressions import cron
from eventflow.expressions.cel import engine as cel
from eventflow.sensors import conditions, filters_cel
from eventflow.sensors.evaluators import NONE, Evaluators
from eventflow.sensors.join import Join
from eventflow.sensors.match import Matcher
from eventflow.store.objects import Object
from eventflow.triggers import submission
from eventflow.triggers.backoff import Backoff

SHARED = ("name", "conditions", "conditionsReset")
_UNITS = {"Second": 1.0, "Minute": 60.0, "Hour": 3600.0}

Address = tuple[str, str]
"""Where events come from: (EventSource, event name)."""


@dataclass(frozen=True, slots=True)
class Dependency:
    """One dependency. `digest` changes with its definition; `scripted` says that deciding runs a script."""

    name: str
    address: Address
    matcher: Matcher
    digest: str
    scripted: bool
    transforms: bool
    cel: cel.Program | None


@dataclass(frozen=True, slots=True)
class SensorTrigger:
    """One trigger of a sensor. `kind` is its plug-in's name; `template` the whole of the manifest's `template`.

    `interval` is the seconds between two runs that `rateLimit` asks for, 0.0 for none.
    """

    name: str
    kind: str
    template: Mapping[str, Any]
    join: Join
    resets: tuple[cron.Schedule, ...]
    parameters: Sequence[Mapping[str, Any]]
    policy: Mapping[str, Any]
    retry: Backoff
    interval: float
    dlq: "SensorTrigger | None"


@dataclass(frozen=True)
class Sensor:
    """A sensor as it stood at one revision. `id` is "namespace/name"."""

    namespace: str
    name: str
    uid: str
    revision: int
    dependencies: Mapping[str, Dependency]
    triggers: tuple[SensorTrigger, ...]

    @property
    def id(self) -> str:
        return f"{self.namespace}/{self.name}"

    @property
    def scripted(self) -> bool:
        """Whether deciding may take long, because a script runs."""
        return any(each.scripted for each in self.dependencies.values())

    def at(self, address: Address) -> list[Dependency]:
        """Return the dependencies on the events of an address."""
        return [each for each in self.dependencies.values() if each.address == address]

    def addresses(self) -> frozenset[Address]:
        """Return where the events come from that this sensor waits for."""
        return frozenset(each.address for each in self.dependencies.values())


def load(stored: Object, evaluators: Evaluators = NONE) -> Sensor:
    """Compile a stored Sensor. Raises UserError for one that cannot be used."""
    spec = stored.spec_manifest.get("spec") or {}
    dependencies = {str(each["name"]): dependency(each, evaluators) for each in spec.get("dependencies") or ()}
    triggers = tuple(trigger(each, list(dependencies)) for each in spec.get("triggers") or ())
    return Sensor(stored.namespace, stored.name, stored.uid, stored.revision, dependencies, triggers)


def dependency(entry: Mapping[str, Any], evaluators: Evaluators = NONE) -> Dependency:
    """Compile one dependency. Raises UserError for CEL that cannot be used."""
    filters, transform = entry.get("filters") or {}, entry.get("transform") or {}
    source = filters.get("cel")
    return Dependency(
        name=str(entry["name"]),
        address=(str(entry["eventSourceName"]), str(entry["eventName"])),
        matcher=Matcher.parse(entry, evaluators),
        digest=hashlib.sha256(orjson.dumps(dict(entry), option=orjson.OPT_SORT_KEYS)).hexdigest()[:16],
        scripted=bool(filters.get("script") or transform.get("script") or transform.get("jq")),
        transforms=bool(transform.get("script") or transform.get("jq")),
        cel=filters_cel.compile_filter(str(source)) if source else None,
    )


def trigger(entry: Mapping[str, Any], dependencies: Sequence[str]) -> SensorTrigger:
    """Read one trigger. Raises UserError: no kind or two, a bad condition, schedule, strategy or rate."""
    template = entry["template"]
    condition = conditions.parse(str(template.get("conditions") or ""), dependencies)
    after = entry.get("dlqTrigger")
    return SensorTrigger(
        name=str(template["name"]),
        kind=kind_of(template),
        template=_plain(template),
        join=Join(condition),
        resets=resets(template),
        parameters=entry.get("parameters") or (),
        policy=entry.get("policy") or {},
        retry=Backoff.parse(entry.get("retryStrategy")),
        interval=interval(entry.get("rateLimit") or {}),
        dlq=trigger(after, dependencies) if after else None,
    )


def kind_of(template: Mapping[str, Any]) -> str:
    """Return the name of the block that says what a trigger does. Raises UserError unless there is just one."""
    found = [key for key, value in template.items() if key not in SHARED and value is not None]
    if len(found) == 1:
        return found[0]
    name, given = template.get("name"), ", ".join(sorted(found)) or "none"
    raise UserError(f"trigger {name!r} needs one kind of action; there is {given}", hint="argoWorkflow, http, log ...")


def resets(template: Mapping[str, Any]) -> tuple[cron.Schedule, ...]:
    """Return the schedules of `conditionsReset`. Raises UserError."""
    times = [each.get("byTime") or {} for each in template.get("conditionsReset") or ()]
    return tuple(cron.Schedule.parse(str(each["cron"]), each.get("timezone")) for each in times if each.get("cron"))


def interval(limit: Mapping[str, Any]) -> float:
    """Return the seconds between two runs of a `rateLimit`, 0.0 without one. Raises UserError."""
    runs = limit.get("requestsPerUnit")
    if runs is None:
        return 0.0
    if runs <= 0:
        raise UserError(f"rateLimit.requestsPerUnit must be above zero, not {runs}")
    return _UNITS[limit.get("unit") or "Second"] / float(runs)


def _plain(template: Mapping[str, Any]) -> dict[str, Any]:
    """Return a trigger's template with the manifests inside it in today's spelling."""
    changed = dict(template)
    for kind in ("argoWorkflow", "k8s"):
        resource = ((template.get(kind) or {}).get("source") or {}).get("resource")
        if resource:
            source = {**template[kind]["source"], "resource": submission.plain(resource)}
            changed[kind] = {**template[kind], "source": source}
    return changed
