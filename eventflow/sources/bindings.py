"""WorkflowEventBindings: events posted to `/api/v1/events/<namespace>/<discriminator>` submit workflows.

A posted event is stored like any other, under the source `@api` and its discriminator as the event's name, and each
binding of the namespace is a listener: what it takes becomes a firing and a workflow in one transaction, what it does
not take is recorded. (Argo answers 200 and forgets an event that it could not act on.) Sensors may listen too, with
`eventSourceName: "@api"`.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from eventflow.clock import Clock
from eventflow.engine.service import Engine
from eventflow.engine.submission import Request as Submission
from eventflow.errors import UserError
from eventflow.model import identity
from eventflow.model.event import Event
from eventflow.model.identity import event_key
from eventflow.sensors.sensor import Address
from eventflow.sensors.settlement import Settled
from eventflow.sources import binding, intake
from eventflow.sources.payloads import keys
from eventflow.sources.payloads.request import Refused, Request, json_text
from eventflow.store import deliveries, firings, objects
from eventflow.store.contract import Work
from eventflow.store.deliveries import Delivery
from eventflow.store.objects import Object
from eventflow.triggers import submission

SOURCE = "@api"
TYPE = "workflow-event"
LARGEST = 2 * 1024 * 1024
"""Argo's limit of a body (server/event)."""

_LABEL = "workflows.argoproj.io/workflow-event-binding"
_HIDDEN = frozenset({"authorization", "cookie", "proxy-authorization"})


def posted(request: Request, namespace: str, discriminator: str, owner: str, now: float) -> Event:
    """Return the event of a request to the events route. Raises Refused(400) when the body is not JSON."""
    _, payload = json_text(request.body) if request.body else (None, "null")
    headers: dict[str, list[str]] = {}
    for name, value in request.headers:
        if name.lower() not in _HIDDEN:
            headers.setdefault(name.lower(), []).append(value)
    data = orjson.dumps({"headers": headers, "payload": orjson.Fragment(payload)})
    given = keys.of_headers(request, "webhook-id", "Idempotency-Key", "X-GitHub-Delivery")
    key = event_key(given) if given else intake.single_key(owner, now)
    try:
        return Event(
            id=key,
            source=f"/api/v1/events/{namespace}",
            type=TYPE,
            source_name=SOURCE,
            event_name=discriminator or "-",
            key=key,
            data_bytes=data,
            subject=discriminator or None,
            received_at=now,
            namespace=namespace,
        )
    except UserError as error:
        raise Refused(400, error.message) from error


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a binding takes an event, or why that cannot be told."""

    takes: bool
    error: str = ""


class BindingListener:
    """A WorkflowEventBinding that listens to posted events."""

    def __init__(self, stored: Object, engine: Engine, clock: Clock) -> None:
        self._stored = stored
        self._spec: Mapping[str, Any] = stored.spec_manifest.get("spec") or {}
        self._engine = engine
        self._clock = clock

    @property
    def id(self) -> str:
        return f"{self._stored.namespace}/WorkflowEventBinding/{self._stored.name}"

    @property
    def scripted(self) -> bool:
        """Selectors are expressions, never scripts."""
        return False

    def addresses(self) -> Iterable[Address]:
        """Every posted event of the namespace."""
        return [(SOURCE, None)]

    def decide(self, event: Event) -> Verdict:
        """Ask the selector."""
        try:
            return Verdict(binding.select(self._spec, _bound(event), self._clock.now()))
        except UserError as error:
            return Verdict(False, error.message)

    def settle(self, delivery: Delivery, verdict: Verdict, now: float) -> Work[Settled]:
        """Record the decision, and submit. Raises UserError when it cannot: the delivery is then tried again."""
        if not verdict.takes:
            outcome: deliveries.Outcome = "errored" if verdict.error else "filtered"
            detail = {"revision": self._stored.revision, "detail": verdict.error or "the selector is false"}
            yield from deliveries.settle(delivery, outcome, "selector", detail, now)
            return Settled(outcome, "selector")
        firing = identity.firing_id(self._stored.uid, "submit", [delivery.event.identity])
        told: dict[str, Any] = {"trigger": "submit", "firing": firing}
        started = []
        if (yield from firings.insert(firing, self.id, "submit", [delivery.event.identity], now)):
            asked = yield from self._request(delivery.event, firing, now)
            if asked is not None:
                done = yield from submission.admit(self._engine, asked)
                told |= {"outcome": done.outcome, **done.detail}
                started = [done.started] if done.started is not None else []
            yield from firings.complete(firing, str(told.get("outcome", "delivered")), told, now)
        detail = {"revision": self._stored.revision, "firings": [told]}
        yield from deliveries.settle(delivery, "matched", "", detail, now)
        return Settled("matched", "", started)

    def _request(self, event: Event, firing: str, now: float) -> Work[Submission | None]:
        reference = (self._spec.get("submit") or {}).get("workflowTemplateRef") or {}
        cluster = bool(reference.get("clusterScope"))
        kind, there = ("ClusterWorkflowTemplate", "") if cluster else ("WorkflowTemplate", self._stored.namespace)
        found = yield from objects.get(kind, there, str(reference.get("name") or ""))
        made = binding.submission(self._spec, _bound(event), None if found is None else found.manifest, now)
        return None if made is None else _workflow(made, self._stored, firing)


def _workflow(made: binding.Submission, stored: Object, firing: str) -> Submission:
    reference: dict[str, Any] = {"name": made.template}
    if made.cluster_scope:
        reference["clusterScope"] = True
    named = {"name": made.name} if made.name else {"generateName": made.generate_name}
    metadata = {**named, "labels": {**made.labels, _LABEL: stored.name}, "annotations": dict(made.annotations)}
    return Submission(
        manifest={"metadata": metadata, "spec": {"workflowTemplateRef": reference}},
        key=firing,
        namespace=stored.namespace,
        firing=firing,
        parameters=dict(made.arguments),
    )


def _bound(event: Event) -> binding.BoundEvent:
    held: Mapping[str, Any] = event.data
    headers: Mapping[str, Sequence[str]] = held.get("headers") or {}
    listed = {name: list(values) for name, values in headers.items()}
    return binding.BoundEvent(event.namespace, event.subject or "", listed, held.get("payload"))
