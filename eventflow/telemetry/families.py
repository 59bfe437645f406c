"""Families of metrics: a name, its labels, and one child for each set of label values.

Counters keep the very name they are given. The client library adds `_total`, which many of Argo's names lack
(`argo_workflows_total_count`), and dashboards ask for those.
"""

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence

from prometheus_client import Gauge, Histogram
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector, CollectorRegistry

Read = Callable[[], Mapping[tuple[str, ...], float]]


class CounterChild:
    """One count, from any thread."""

    __slots__ = ("_lock", "value")

    def __init__(self) -> None:
        self.value = 0.0
        self._lock = threading.Lock()

    def inc(self, amount: float = 1.0) -> None:
        """Count `amount` more. Raises ValueError for a negative one."""
        if amount < 0:
            raise ValueError("a counter only grows")
        with self._lock:
            self.value += amount


class Counters(Collector):
    """A family of counters, called with label values in order: `errors("OperationPanic").inc()`."""

    def __init__(self, registry: CollectorRegistry, name: str, text: str, labels: Sequence[str] = ()) -> None:
        self._name, self._text, self._labels = name, text, tuple(labels)
        self._children: dict[tuple[str, ...], CounterChild] = {}
        registry.register(self)

    def __call__(self, *values: str) -> CounterChild:
        child = self._children.get(values)
        if child is None:
            _check(self._name, self._labels, values)
            child = self._children.setdefault(values, CounterChild())
        return child

    def collect(self) -> Iterable[Metric]:
        metric = Metric(self._name, self._text, "counter")
        for values, child in list(self._children.items()):
            metric.add_sample(self._name, dict(zip(self._labels, values, strict=True)), child.value)
        yield metric


class Gauges:
    """A family of gauges."""

    def __init__(self, registry: CollectorRegistry, name: str, text: str, labels: Sequence[str] = ()) -> None:
        self._family = Gauge(name, text, labels, registry=registry)
        self._children: dict[tuple[str, ...], Gauge] = {}

    def __call__(self, *values: str) -> Gauge:
        child = self._children.get(values)
        if child is None:
            child = self._family.labels(*values) if values else self._family
            self._children[values] = child
        return child


class Histograms:
    """A family of histograms; `buckets` are upper bounds."""

    def __init__(
        self, registry: CollectorRegistry, name: str, text: str, labels: Sequence[str], buckets: Sequence[float]
    ) -> None:
        self._family = Histogram(name, text, labels, registry=registry, buckets=buckets)
        self._children: dict[tuple[str, ...], Histogram] = {}

    def __call__(self, *values: str) -> Histogram:
        child = self._children.get(values)
        if child is None:
            child = self._family.labels(*values) if values else self._family
            self._children[values] = child
        return child


class Observed(Collector):
    """A family whose values are read when they are asked for: the length of a queue, the holders of a lock."""

    def __init__(self, registry: CollectorRegistry, name: str, text: str, labels: Sequence[str] = ()) -> None:
        self._name, self._text, self._labels = name, text, tuple(labels)
        self._read: Read | None = None
        registry.register(self)

    def read_from(self, read: Read) -> None:
        """Take the values, by label values, from this call from now on. It must be quick, as a scrape waits for it."""
        self._read = read

    def collect(self) -> Iterable[Metric]:
        metric = Metric(self._name, self._text, "gauge")
        for values, value in (self._read() if self._read else {}).items():
            metric.add_sample(self._name, dict(zip(self._labels, values, strict=True)), value)
        yield metric


def _check(name: str, labels: Sequence[str], values: Sequence[str]) -> None:
    if len(labels) != len(values):
        raise ValueError(f"{name} has the labels {labels}, not {len(values)} values")
