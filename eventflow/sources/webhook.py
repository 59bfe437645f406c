"""Sources that are called over HTTP: from a request to stored events to an answer.

Promises: a 2xx is given only after the events are durable; a request delivered again is answered 2xx and changes
nothing; who cannot prove to be the sender gets 401 (400 where Argo's source answers so) and leaves no trace in the
store. How an event is told across deliveries:

- by what the sender says (delivery id, message id, CloudEvents source and id, what an alert is about);
- where the sender does not prove who it is, by that and the body together, so that nobody can suppress another's event
  by using its id first;
- where a signature covers only the body (GitHub), by the body, so that a captured request replayed under a new delivery
  id is recognized; the annotation `events.eventflow.dev/replays: accept` on the EventSource turns this off;
- where nothing tells, each request is an event of its own.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from eventflow.errors import UserError
from eventflow.model.event import Event
from eventflow.model.identity import event_key
from eventflow.sources import cloudevents, intake
from eventflow.sources.contract import Entry
from eventflow.sources.payloads import shapes
from eventflow.sources.payloads.request import Answer, Received, Refused, Request, Surroundings

REPLAYS = "events.eventflow.dev/replays"
LARGEST = 25 * 1024 * 1024
_PROOFS = ("authSecret", "verify", "webhookSecret", "secretToken", "signingSecret", "token", "validateSignature")
_BODY_SIGNED = ("github", "bitbucket", "bitbucketserver")


@dataclass(frozen=True)
class Route:
    """One endpoint: the entry, its secrets by (name, key), and whether replays are told by the body."""

    entry: Entry
    secrets: Mapping[tuple[str, str], str] = field(default_factory=dict, repr=False)
    replays_refused: bool = True

    @property
    def shape(self) -> shapes.Shape:
        return shapes.SHAPES[self.entry.type]

    @cached_property
    def context(self) -> Mapping[str, Any]:
        """The web context: endpoint, methods, limits."""
        return self.shape.context(self.entry.config)

    @cached_property
    def endpoint(self) -> str:
        """The path, with a slash in front."""
        text = str(self.context.get("endpoint") or "/")
        return text if text.startswith("/") else f"/{text}"

    @property
    def address(self) -> str:
        """A path that only this entry has, whatever endpoints others choose."""
        return f"/sources/{self.entry.namespace}/{self.entry.source_name}/{self.entry.event_name}"

    @cached_property
    def methods(self) -> tuple[str, ...]:
        return self.shape.accepted(self.entry.config)

    def most(self, default: int) -> int:
        """Return how many bytes a body may have."""
        given = self.context.get("maxPayloadSize")
        return min(default if given is None else int(given), LARGEST)

    @cached_property
    def proven(self) -> bool:
        """Whether senders have to prove who they are."""
        return any(held.get(name) for held in (self.context, self.entry.config) for name in _PROOFS)

    @cached_property
    def body_signed(self) -> bool:
        """Whether the proof covers the body and nothing else, so that a replay can have another delivery id."""
        verify = self.context.get("verify") or self.entry.config.get("verify") or {}
        if verify:
            return verify.get("scheme") in ("github", "hmac")
        return self.entry.type in _BODY_SIGNED and bool(self.entry.config.get("webhookSecret"))

    def key(self, part: "Part", owner: str, now: float) -> str:
        """Return the key of an event; see this module."""
        body = part.digest.hex()
        if self.replays_refused and self.body_signed:
            return f"body:{body}:{part.index}" if part.index else f"body:{body}"
        if part.received.key is None:
            return intake.single_key(owner, now)
        if self.proven:
            return event_key(part.received.key)
        return f"{event_key(part.received.key)}~{body[:16]}"


@dataclass(frozen=True, slots=True)
class Part:
    """One event of a request, the SHA-256 of the bytes that it came in, and which of the events in these it is."""

    received: Received
    digest: bytes
    index: int = 0


@dataclass(frozen=True, slots=True)
class Taken:
    """What a request comes to: the answer to give once the events are stored, and how many the filter dropped."""

    answer: Answer
    events: Sequence[Event] = ()
    dropped: int = 0


def take(route: Route, request: Request, parameters: Mapping[str, str], around: Surroundings, owner: str) -> Taken:
    """Return what a request to a route comes to. Raises UserError for a configuration that is no good."""
    answer = shapes.receive(route.entry.type, route.entry.config, request, around, parameters)
    if answer.status >= 300 or not answer.events:
        return Taken(answer)
    try:
        parts = _parts(route, request, parameters, around, answer)
        return _made(route, answer, parts, owner, around.now)
    except Refused as refusal:
        return Taken(Answer(refusal.status, refusal.message))
    except UserError as error:
        return Taken(Answer(400, error.message))


def _parts(
    route: Route, request: Request, parameters: Mapping[str, str], around: Surroundings, answer: Answer
) -> list[Part]:
    """Return the events of a request that was let in."""
    if route.entry.type != "webhook" or not cloudevents.claims(request):
        digest = hashlib.sha256(request.body).digest()
        return [Part(each, digest, index) for index, each in enumerate(answer.events)]
    return [
        Part(each, hashlib.sha256(inner.body).digest())
        for inner in cloudevents.parts(request)
        for each in route.shape.receive(inner, route.entry.config, around, parameters).events
    ]


def _made(route: Route, answer: Answer, parts: Sequence[Part], owner: str, now: float) -> Taken:
    events: list[Event] = []
    dropped = 0
    for part in parts:
        keep, _ = intake.wanted(route.entry.config, part.received.data)
        if not keep:
            dropped += 1
            continue
        key = route.key(part, owner, now)
        events.append(intake.event_of(route.entry, part.received, key, now, part.digest))
    return Taken(answer, events, dropped)


def references(config: Any) -> Iterator[tuple[str, str]]:
    """Yield the (name, key) of every secret that a configuration refers to."""
    if isinstance(config, Mapping):
        if isinstance(config.get("name"), str) and isinstance(config.get("key"), str):
            yield config["name"], config["key"]
        for value in config.values():
            yield from references(value)
    elif isinstance(config, list):
        for value in config:
            yield from references(value)
