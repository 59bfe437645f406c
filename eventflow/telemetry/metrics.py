"""The metrics of one process: Argo's under Argo's names, and what Argo does not tell.

Names, labels and buckets after Argo Workflows v4.1.2 `docs/metrics.md` and Argo Events `pkg/metrics`. Constructed by
the composition root and handed to those who count; a family is called with its label values in order:

    metrics.workflows_entered("Succeeded", "default").inc()
"""

import logging
import platform
from collections.abc import Sequence

from prometheus_client import GCCollector, PlatformCollector, ProcessCollector
from prometheus_client.registry import CollectorRegistry

from eventflow.telemetry import exposition
from eventflow.telemetry.custom import CustomMetrics
from eventflow.telemetry.families import Counters, Gauges, Histograms, Observed

WORKFLOWS = "argo_workflows_"
EVENTS = "argo_events_"
OURS = "eventflow_"

_QUEUE = (1, 5, 20, 60, 180)
_WORK = (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 60, 180)
_SHORT = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
_LATENCY = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300)
_RUNTIME = (1, 5, 10, 30, 60, 300, 600, 1800, 3600, 10800, 21600, 43200, 86400)
_MILLISECONDS = (1, 2, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10000)


class Metrics:
    """Every metric, by attribute."""

    def __init__(self, version: str = "") -> None:
        self.registry = CollectorRegistry(auto_describe=False)
        self._add_workflows()
        self._add_pods()
        self._add_locks_and_queues()
        self._add_argo_events()
        self._add_events()
        self._add_service_levels()
        self.custom = CustomMetrics(self.registry, WORKFLOWS)
        labels = ("version", "platform", "python_version")
        built = self._gauges(f"{WORKFLOWS}version", "Build metadata for this controller", *labels)
        built(version, f"{platform.system()}/{platform.machine()}".lower(), platform.python_version()).set(1)
        for collector in (ProcessCollector, PlatformCollector, GCCollector):
            collector(registry=self.registry)

    def expose(self) -> bytes:
        """The text of `/metrics`; its type is `exposition.CONTENT_TYPE`."""
        return exposition.expose(self.registry)

    def _counters(self, name: str, text: str, *labels: str) -> Counters:
        return Counters(self.registry, name, text, labels)

    def _gauges(self, name: str, text: str, *labels: str) -> Gauges:
        return Gauges(self.registry, name, text, labels)

    def _observed(self, name: str, text: str, *labels: str) -> Observed:
        return Observed(self.registry, name, text, labels)

    def _histograms(self, name: str, text: str, buckets: Sequence[float], *labels: str) -> Histograms:
        return Histograms(self.registry, name, text, labels, buckets)

    def _add_workflows(self) -> None:
        argo, template = WORKFLOWS, ("name", "namespace", "cluster_scope")
        self.workflows = self._observed(f"{argo}gauge", "Workflows in each phase", "phase")
        self.workflows_entered = self._counters(
            f"{argo}total_count", "Workflows that have entered each phase", "phase", "namespace"
        )
        self.errors = self._counters(f"{argo}error_count", "Errors by cause", "cause")
        self.operation_seconds = self._histograms(
            f"{argo}operation_duration_seconds", "Time to process one batch of a workflow's stimuli", _SHORT
        )
        self.templates_triggered = self._counters(
            f"{argo}workflowtemplate_triggered_total", "Workflows from templates, by phase entered", *template, "phase"
        )
        self.template_seconds = self._histograms(
            f"{argo}workflowtemplate_runtime", "Run time of workflows from templates in seconds", _RUNTIME, *template
        )
        self.conditions = self._observed(f"{argo}workflow_condition", "Workflows by condition", "type", "status")
        self.cron_triggered = self._counters(
            f"{argo}cronworkflows_triggered_total", "Runs of CronWorkflows", "name", "namespace"
        )
        self.cron_limited = self._counters(
            f"{argo}cronworkflows_concurrencypolicy_triggered",
            "Runs of CronWorkflows that their concurrencyPolicy held back or replaced",
            *("name", "namespace", "concurrency_policy"),
        )
        self.deprecated = self._counters(
            f"{argo}deprecated_feature", "Uses of deprecated fields", "feature", "namespace"
        )
        self.log_messages = self._counters(f"{argo}log_messages", "Log messages by level", "level")
        self.is_leader = self._gauges(f"{argo}is_leader", "1 if this process runs workflows, else 0")

    def _add_pods(self) -> None:
        argo = WORKFLOWS
        self.pods = self._observed(f"{argo}pods_gauge", "Pods in each phase", "phase")
        self.pods_entered = self._counters(
            f"{argo}pods_total_count", "Pods that have entered each phase", "phase", "namespace"
        )
        self.pods_pending = self._counters(
            f"{argo}pod_pending_count", "Pods that waited, by reason", "reason", "namespace"
        )
        self.pods_restarted = self._counters(
            f"{argo}pod_restarts_total",
            "Pods started anew because of the infrastructure",
            *("reason", "condition", "namespace"),
        )
        self.pods_missing = self._counters(f"{argo}pod_missing", "Pods that vanished", "node_phase", "recently_started")
        self.k8s_seconds = self._histograms(
            f"{argo}k8s_request_duration", "Kubernetes API requests in seconds", _WORK, "kind", "verb", "status_code"
        )

    def _add_locks_and_queues(self) -> None:
        argo, lock, queue = WORKFLOWS, ("type", "storage", "lock_name", "namespace"), "queue_name"
        self.locks_held = self._observed(f"{argo}locks_held", "Holders of each lock", *lock)
        self.locks_pending = self._observed(f"{argo}locks_pending", "Those who wait for each lock", *lock)
        self.locks_taken = self._counters(f"{argo}locks_taken_total", "Locks taken", *lock)
        self.queue_adds = self._counters(f"{argo}queue_adds_count", "Additions to each queue", queue)
        self.queue_depth = self._observed(f"{argo}queue_depth_gauge", "Length of each queue", queue)
        self.queue_wait_seconds = self._histograms(
            f"{argo}queue_latency", "Time in a queue before processing", _QUEUE, queue
        )
        self.queue_work_seconds = self._histograms(f"{argo}queue_duration", "Time to process an item", _WORK, queue)
        self.queue_retries = self._counters(f"{argo}queue_retries", "Items tried again", queue)
        self.queue_unfinished = self._observed(f"{argo}queue_unfinished_work", "Items being processed", queue)
        self.workers_busy = self._observed(f"{argo}workers_busy_count", "Busy workers", "worker_type")

    def _add_argo_events(self) -> None:
        argo, source = EVENTS, ("namespace", "eventsource_name", "event_name")
        trigger = ("namespace", "sensor_name", "trigger_name")
        self.services_running = self._gauges(
            f"{argo}event_service_running_total", "Running services of event sources", "namespace", "eventsource_name"
        )
        self.events_sent = self._counters(f"{argo}events_sent_total", "Events stored", *source)
        self.events_failed = self._counters(
            f"{argo}events_sent_failed_total", "Events that could not be stored", *source
        )
        self.processing_failed = self._counters(
            f"{argo}events_processing_failed_total", "Events that their source could not read", *source
        )
        self.processing_milliseconds = self._histograms(
            f"{argo}event_processing_duration_milliseconds", "From receipt to storage", _MILLISECONDS, *source
        )
        self.actions = self._counters(f"{argo}action_triggered_total", "Triggers that succeeded", *trigger)
        self.actions_failed = self._counters(f"{argo}action_failed_total", "Triggers that failed", *trigger)
        self.actions_given_up = self._counters(
            f"{argo}action_retries_failed_total", "Triggers that failed after all retries", *trigger
        )
        self.action_milliseconds = self._histograms(
            f"{argo}action_duration_milliseconds", "Duration of triggers", _MILLISECONDS, *trigger
        )

    def _add_events(self) -> None:
        """What Argo Events has no metric for: events filtered, discarded, held, and how far behind we are."""
        self.events = self._counters(
            f"{OURS}events_total",
            "Events by source and outcome: stored, duplicate, refused ...",
            "source",
            "event",
            "outcome",
        )
        self.deliveries = self._counters(
            f"{OURS}deliveries_total",
            "Deliveries by sensor and outcome: fired, filtered, held, dead ...",
            "sensor",
            "outcome",
        )
        self.deliveries_waiting = self._observed(f"{OURS}deliveries_waiting", "Deliveries not yet done", "sensor")
        self.deliveries_dead = self._observed(f"{OURS}deliveries_dead", "Deliveries given up, until redriven", "sensor")
        self.delivery_lag_seconds = self._histograms(
            f"{OURS}delivery_lag_seconds", "From the receipt of an event to a sensor's decision", _LATENCY, "sensor"
        )
        self.oldest_waiting_seconds = self._observed(
            f"{OURS}oldest_delivery_seconds", "Age of the oldest delivery that waits", "sensor"
        )
        self.source_lag = self._observed(
            f"{OURS}source_lag", "Records a source is behind its partition", "source", "partition"
        )
        self.throttled = self._counters(f"{OURS}throttled_total", "Requests and starts held back, by limit", "limit")

    def _add_service_levels(self) -> None:
        """The service level indicators: latency, start-up, failures, retries, artifacts, the store, the loop."""
        namespace = "namespace"
        self.event_to_pod_seconds = self._histograms(
            f"{OURS}event_to_pod_seconds", "From an event to the start of its workflow's first pod", _LATENCY, namespace
        )
        self.workflow_seconds = self._histograms(
            f"{OURS}workflow_duration_seconds", "Duration of workflows", _RUNTIME, namespace, "phase"
        )
        self.pod_start_seconds = self._histograms(
            f"{OURS}pod_start_seconds", "From the decision to start a pod until it runs", _LATENCY, "runtime"
        )
        self.nodes_finished = self._counters(f"{OURS}nodes_total", "Nodes by type and phase", "type", "phase")
        self.retries = self._counters(f"{OURS}retries_total", "Attempts after the first", namespace)
        self.artifacts = self._counters(
            f"{OURS}artifacts_total",
            "Artifacts moved, by direction, store and outcome",
            "direction",
            "store",
            "outcome",
        )
        self.artifact_bytes = self._counters(f"{OURS}artifact_bytes_total", "Bytes of artifacts saved", "store")
        self.commit_seconds = self._histograms(f"{OURS}commit_seconds", "Transactions of the store", _SHORT)
        self.loop_lag_seconds = self._histograms(f"{OURS}loop_lag_seconds", "Delay of the event loop", _SHORT)


class MessageCounter(logging.Handler):
    """Counts log messages by level, as Argo does: `error`, `warning`, `info`."""

    def __init__(self, metrics: Metrics) -> None:
        super().__init__()
        self._messages = metrics.log_messages

    def emit(self, record: logging.LogRecord) -> None:
        self._messages(record.levelname.lower()).inc()
