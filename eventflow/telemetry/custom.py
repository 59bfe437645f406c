"""Metrics that workflows define themselves (`metrics.prometheus` of a workflow or template).

After Argo v4.1.2 `docs/metrics.md`, "Custom metrics": a gauge, counter or histogram of the user's name below
`argo_workflows_`, with the user's labels, which may differ from one emission to the next. A name belongs to the kind
and help that used it first.
"""

import re
import threading
from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector, CollectorRegistry

from eventflow.errors import UserError
from eventflow.telemetry import exposition

Kind = Literal["gauge", "counter", "histogram"]
Operation = Literal["Set", "Add", "Sub"]
Labels = tuple[tuple[str, str], ...]

MOST_SERIES = 10_000
"""Series in all; a label with ever new values must not fill the memory."""

_NAME = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
_LABEL = re.compile(r"(?!__)[a-zA-Z_][a-zA-Z0-9_]*")


@dataclass(slots=True)
class _Distribution:
    bounds: tuple[float, ...]
    counts: list[int]
    total: float = 0.0


@dataclass(slots=True)
class _Family:
    kind: Kind
    text: str
    values: dict[Labels, float] = field(default_factory=dict)
    running: dict[Labels, Callable[[], float]] = field(default_factory=dict)
    distributions: dict[Labels, _Distribution] = field(default_factory=dict)


class CustomMetrics(Collector):
    """All metrics that workflows defined since the process started."""

    def __init__(self, registry: CollectorRegistry, prefix: str) -> None:
        self._prefix = prefix
        self._taken = {metric.name for metric in registry.collect()}
        self._families: dict[str, _Family] = {}
        self._series = 0
        self._lock = threading.Lock()
        registry.register(self)

    def gauge(
        self, name: str, text: str, labels: Mapping[str, str], value: float, operation: Operation = "Set"
    ) -> None:
        """Set a gauge, or add to or subtract from it. Raises UserError for names that cannot be."""
        with self._lock:
            family, key = self._family(name, "gauge", text, labels)
            if self._room(family.values, key):
                sign = {"Set": 0.0, "Add": 1.0, "Sub": -1.0}[operation]
                family.values[key] = family.values.get(key, 0.0) + sign * value if sign else value

    def realtime(
        self, name: str, text: str, labels: Mapping[str, str], read: Callable[[], float]
    ) -> Callable[[], None]:
        """Show what `read` gives at each scrape, until the returned call, which keeps the last value."""
        with self._lock:
            family, key = self._family(name, "gauge", text, labels)
            if self._room(family.running, key):
                family.running[key] = read

        def settle() -> None:
            with self._lock:
                if family.running.get(key) is read:
                    family.values[key] = family.running.pop(key)()

        return settle

    def counter(self, name: str, text: str, labels: Mapping[str, str], value: float) -> None:
        """Count `value` more. Raises UserError for a negative one."""
        if value < 0:
            raise UserError(f"the counter '{name}' cannot go down by {-value}")
        with self._lock:
            family, key = self._family(name, "counter", text, labels)
            if self._room(family.values, key):
                family.values[key] = family.values.get(key, 0.0) + value

    def histogram(
        self, name: str, text: str, labels: Mapping[str, str], value: float, buckets: Sequence[float]
    ) -> None:
        """Note an observation; `buckets` are the upper bounds, of which the first use of these labels decides."""
        with self._lock:
            family, key = self._family(name, "histogram", text, labels)
            if not self._room(family.distributions, key):
                return
            if key not in family.distributions:
                bounds = tuple(sorted(set(buckets)))
                family.distributions[key] = _Distribution(bounds, [0] * (len(bounds) + 1))
            distribution = family.distributions[key]
            distribution.counts[bisect_left(distribution.bounds, value)] += 1
            distribution.total += value

    def collect(self) -> Iterable[Metric]:
        with self._lock:
            return [self._metric(name, family) for name, family in self._families.items()]

    def _family(self, name: str, kind: Kind, text: str, labels: Mapping[str, str]) -> tuple[_Family, Labels]:
        if not _NAME.fullmatch(name) or any(not _LABEL.fullmatch(label) for label in labels):
            raise UserError(
                f"the metric '{name}' with the labels {sorted(labels)} is not what Prometheus allows",
                hint="use letters, digits and underscores, and no digit first",
            )
        full = self._prefix + name
        if full in self._taken:
            raise UserError(f"the metric name '{name}' is eventflow's own", hint="choose another name")
        family = self._families.setdefault(full, _Family(kind, text))
        if family.kind != kind:
            raise UserError(f"the metric '{name}' is a {family.kind} elsewhere, and cannot be a {kind} as well")
        return family, tuple(sorted((label, str(value)) for label, value in labels.items()))

    def _room(self, series: Mapping[Labels, object], key: Labels) -> bool:
        if key in series:
            return True
        if self._series >= MOST_SERIES:
            return False
        self._series += 1
        return True

    def _metric(self, name: str, family: _Family) -> Metric:
        metric = Metric(name, family.text, family.kind)
        for key, value in {**family.values, **{key: read() for key, read in family.running.items()}}.items():
            metric.add_sample(name, dict(key), value)
        for key, distribution in family.distributions.items():
            _add_buckets(metric, name, dict(key), distribution)
        return metric


def _add_buckets(metric: Metric, name: str, labels: dict[str, str], distribution: _Distribution) -> None:
    seen = 0
    for bound, count in zip((*distribution.bounds, float("inf")), distribution.counts, strict=True):
        seen += count
        metric.add_sample(f"{name}_bucket", {**labels, "le": exposition.number(bound)}, seen)
    metric.add_sample(f"{name}_count", labels, seen)
    metric.add_sample(f"{name}_sum", labels, distribution.total)
