"""Prometheus' text format, version 0.0.4 (prometheus.io/docs/instrumenting/exposition_formats).

The client library's own writer renames counters, see `families`.
"""

import math
from collections.abc import Iterator

from prometheus_client.metrics_core import Metric
from prometheus_client.registry import CollectorRegistry
from prometheus_client.samples import Sample

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


def expose(registry: CollectorRegistry) -> bytes:
    """All metrics that have values, as text."""
    return "".join(line for metric in registry.collect() for line in _lines(metric)).encode()


def _lines(metric: Metric) -> Iterator[str]:
    samples = [sample for sample in metric.samples if not sample.name.endswith("_created")]
    if not samples:
        return
    name = samples[0].name if metric.type == "counter" else metric.name
    kind = {"unknown": "untyped", "info": "gauge"}.get(metric.type, metric.type)
    text = metric.documentation.replace("\\", "\\\\").replace("\n", "\\n")
    yield f"# HELP {name} {text}\n# TYPE {name} {kind}\n"
    for sample in samples:
        yield f"{sample.name}{_labels(sample)} {number(sample.value)}\n"


def number(value: float) -> str:
    """A value as the format writes it."""
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    return "NaN" if math.isnan(value) else repr(float(value))


def _labels(sample: Sample) -> str:
    if not sample.labels:
        return ""
    return "{" + ",".join(f'{name}="{_escaped(value)}"' for name, value in sample.labels.items()) + "}"


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')
