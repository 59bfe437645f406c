"""Metrics: Argo's names, exactly, and an exposition that Prometheus' own parser reads."""

import logging
import math

import pytest
from prometheus_client.parser import text_string_to_metric_families

from eventflow.errors import UserError
from eventflow.telemetry import custom
from eventflow.telemetry.families import Counters, Gauges, Histograms, Observed
from eventflow.telemetry.metrics import MessageCounter, Metrics

ARGO = [
    "argo_workflows_gauge",
    "argo_workflows_total_count",
    "argo_workflows_error_count",
    "argo_workflows_operation_duration_seconds",
    "argo_workflows_workflowtemplate_triggered_total",
    "argo_workflows_workflowtemplate_runtime",
    "argo_workflows_workflow_condition",
    "argo_workflows_cronworkflows_triggered_total",
    "argo_workflows_cronworkflows_concurrencypolicy_triggered",
    "argo_workflows_deprecated_feature",
    "argo_workflows_log_messages",
    "argo_workflows_is_leader",
    "argo_workflows_version",
    "argo_workflows_pods_gauge",
    "argo_workflows_pods_total_count",
    "argo_workflows_pod_pending_count",
    "argo_workflows_pod_restarts_total",
    "argo_workflows_pod_missing",
    "argo_workflows_k8s_request_duration",
    "argo_workflows_locks_held",
    "argo_workflows_locks_pending",
    "argo_workflows_locks_taken_total",
    "argo_workflows_queue_adds_count",
    "argo_workflows_queue_depth_gauge",
    "argo_workflows_queue_latency",
    "argo_workflows_queue_duration",
    "argo_workflows_queue_retries",
    "argo_workflows_queue_unfinished_work",
    "argo_workflows_workers_busy_count",
    "argo_events_event_service_running_total",
    "argo_events_events_sent_total",
    "argo_events_events_sent_failed_total",
    "argo_events_events_processing_failed_total",
    "argo_events_event_processing_duration_milliseconds",
    "argo_events_action_triggered_total",
    "argo_events_action_failed_total",
    "argo_events_action_retries_failed_total",
    "argo_events_action_duration_milliseconds",
]


def _touch_all(metrics: Metrics) -> None:
    """Give each family a child, so that it is exposed."""
    for family in vars(metrics).values():
        if isinstance(family, Counters):
            family(*["v"] * len(family._labels)).inc()
        elif isinstance(family, Observed):
            values = ("v",) * len(family._labels)
            family.read_from(lambda values=values: {values: 1.0})  # type: ignore[misc]
        elif isinstance(family, Gauges):
            family(*["v"] * len(family._family._labelnames)).set(1)
        elif isinstance(family, Histograms):
            family(*["v"] * len(family._family._labelnames)).observe(0.3)


def _samples(metrics: Metrics) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    found: dict[tuple[str, tuple[tuple[str, str], ...]], float] = {}
    for family in text_string_to_metric_families(metrics.expose().decode()):
        for sample in family.samples:
            labels = tuple(sorted(sample.labels.items()))
            found[sample.name, labels] = sample.value
            found[sample.name.removesuffix("_total"), labels] = sample.value  # this parser adds it to counters
    return found


def test_argos_metrics_have_argos_names() -> None:
    metrics = Metrics("1.2.3")
    _touch_all(metrics)
    text = metrics.expose().decode()
    declared = [line.split()[2] for line in text.splitlines() if line.startswith("# TYPE")]
    assert [name for name in ARGO if name not in declared] == []
    assert len(declared) == len(set(declared))
    assert 'argo_workflows_version{version="1.2.3"' in text


def test_a_counter_is_declared_and_written_under_its_very_name() -> None:
    metrics = Metrics()
    metrics.workflows_entered("Succeeded", "ns").inc()
    metrics.workflows_entered("Succeeded", "ns").inc(2)
    text = metrics.expose().decode()
    assert "# TYPE argo_workflows_total_count counter\n" in text
    assert 'argo_workflows_total_count{phase="Succeeded",namespace="ns"} 3.0\n' in text
    assert "total_count_total" not in text
    assert "_created" not in text


def test_label_values_cannot_break_the_text() -> None:
    metrics = Metrics()
    nasty = 'a"b\\c\nd} 1\nfake 1'
    metrics.errors(nasty).inc()
    assert _samples(metrics)[("argo_workflows_error_count", (("cause", nasty),))] == 1.0
    assert not any(name == "fake" for name, _ in _samples(metrics))


def test_children_are_kept_and_misuse_is_refused() -> None:
    metrics = Metrics()
    assert metrics.errors("x") is metrics.errors("x")
    assert metrics.pod_start_seconds("docker") is metrics.pod_start_seconds("docker")
    with pytest.raises(ValueError, match="has the labels"):
        metrics.errors("x", "y")
    with pytest.raises(ValueError, match="only grows"):
        metrics.errors("x").inc(-1)


def test_observed_values_are_read_at_each_scrape() -> None:
    metrics = Metrics()
    waiting: dict[tuple[str, ...], float] = {("a",): 1.0}
    metrics.deliveries_waiting.read_from(lambda: waiting)
    assert _samples(metrics)[("eventflow_deliveries_waiting", (("sensor", "a"),))] == 1.0
    waiting[("a",)] = 5.0
    assert _samples(metrics)[("eventflow_deliveries_waiting", (("sensor", "a"),))] == 5.0


def test_log_messages_are_counted_by_level() -> None:
    metrics = Metrics()
    logger = logging.getLogger("test-counted")
    logger.propagate = False
    logger.addHandler(MessageCounter(metrics))
    logger.error("x")
    logger.error("y")
    assert _samples(metrics)[("argo_workflows_log_messages", (("level", "error"),))] == 2.0


def test_workflows_define_gauges_and_counters() -> None:
    metrics = Metrics()
    defined = metrics.custom
    defined.gauge("g", "a gauge", {"k": "v"}, 5)
    defined.gauge("g", "a gauge", {"k": "v"}, 2, "Add")
    defined.gauge("g", "a gauge", {"k": "v"}, 1, "Sub")
    defined.gauge("g", "a gauge", {"other": "label"}, 9)
    defined.counter("c", "a counter", {}, 1)
    defined.counter("c", "a counter", {}, 1.5)
    seen = _samples(metrics)
    assert seen[("argo_workflows_g", (("k", "v"),))] == 6.0
    assert seen[("argo_workflows_g", (("other", "label"),))] == 9.0
    assert seen[("argo_workflows_c", ())] == 2.5


def test_a_histogram_of_a_workflow_counts_cumulatively() -> None:
    metrics = Metrics()
    for value in (0.5, 1, 3, 99):
        metrics.custom.histogram("h", "a histogram", {"k": "v"}, value, [5, 1])
    seen = _samples(metrics)
    label = ("k", "v")
    assert [seen[("argo_workflows_h_bucket", (label, ("le", le)))] for le in ("1.0", "5.0", "+Inf")] == [2, 3, 4]
    assert seen[("argo_workflows_h_count", (label,))] == 4
    assert seen[("argo_workflows_h_sum", (label,))] == 103.5


def test_a_realtime_gauge_lives_until_it_is_settled() -> None:
    metrics = Metrics()
    now = [1.0]
    settle = metrics.custom.realtime("running", "seconds", {}, lambda: now[0])
    for value in (2.0, 3.0):
        now[0] = value
        assert _samples(metrics)[("argo_workflows_running", ())] == value
    settle()
    now[0] = 99.0
    settle()
    assert _samples(metrics)[("argo_workflows_running", ())] == 3.0


@pytest.mark.parametrize("name", ["", "1x", "a-b", "a b", "ü", "x\n"])
def test_names_that_prometheus_does_not_allow_are_refused(name: str) -> None:
    with pytest.raises(UserError, match="not what Prometheus allows"):
        Metrics().custom.gauge(name, "", {}, 1)
    with pytest.raises(UserError, match="not what Prometheus allows"):
        Metrics().custom.gauge("g", "", {name: "v"}, 1)


def test_a_workflow_takes_neither_our_names_nor_changes_a_kind() -> None:
    defined = Metrics().custom
    with pytest.raises(UserError, match="eventflow's own"):
        defined.counter("total_count", "", {}, 1)
    defined.counter("c", "", {}, 1)
    with pytest.raises(UserError, match="is a counter elsewhere"):
        defined.gauge("c", "", {}, 1)
    with pytest.raises(UserError, match="cannot go down"):
        defined.counter("c", "", {}, -1)


def test_ever_new_labels_do_not_fill_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(custom, "MOST_SERIES", 3)
    metrics = Metrics()
    for number in range(10):
        metrics.custom.counter("c", "", {"id": str(number)}, 1)
    metrics.custom.counter("c", "", {"id": "0"}, 1)
    mine = {labels: value for (name, labels), value in _samples(metrics).items() if name == "argo_workflows_c"}
    assert len(mine) == 3
    assert mine[(("id", "0"),)] == 2.0


def test_infinite_and_missing_numbers_are_written_as_the_format_wants() -> None:
    metrics = Metrics()
    for name, value in (("up", math.inf), ("down", -math.inf), ("none", math.nan)):
        metrics.custom.gauge(name, "", {}, value)
    text = metrics.expose().decode()
    for line in ("argo_workflows_up +Inf", "argo_workflows_down -Inf", "argo_workflows_none NaN"):
        assert f"\n{line}\n" in text
