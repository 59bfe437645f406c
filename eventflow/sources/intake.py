"""From what a source received to an event of the log: attributes, key, and the source's own filter."""

import itertools
from collections.abc import Mapping
from typing import Any

from eventflow.errors import UserError
from eventflow.model.document import Document
from eventflow.model.event import Event
from eventflow.sources import filter
from eventflow.sources.contract import Entry
from eventflow.sources.payloads.request import Received

_ORDINALS = itertools.count(1)


def event_of(entry: Entry, received: Received, key: str, now: float, digest: bytes | None = None) -> Event:
    """Return the event of what was received under a key, at an instant (seconds since the epoch).

    Where the sender gives no attributes they are Argo's: source is the EventSource's name, type the kind of source,
    subject the event's name. `digest`, if given, is that of the body, which tells a redelivery from another event under
    the same key: the data also holds headers, which differ between deliveries. Raises UserError for attributes that
    cannot be stored.
    """
    event = Event(
        id=received.id or received.key or key,
        source=received.source or entry.source_name,
        type=received.type or entry.type,
        source_name=entry.source_name,
        event_name=entry.event_name,
        key=key,
        data_bytes=received.data.encode("utf-8", "surrogatepass"),
        subject=received.subject or entry.event_name,
        time=received.time or None,
        extensions=received.extensions,
        received_at=now,
        namespace=entry.namespace,
    )
    if digest is not None:
        event.__dict__["digest"] = digest
    return event


def wanted(config: Mapping[str, Any], data: str) -> tuple[bool, str]:
    """Ask an entry's `filter.expression`: (whether to keep the event, why not).

    As with Argo, a filter that fails drops the event although the sender is told success.
    """
    held = config.get("filter")
    expression = held.get("expression") if isinstance(held, Mapping) else None
    if not expression:
        return True, ""
    try:
        return filter.passes(str(expression), Document(data)), "filter.expression is false"
    except UserError as error:
        return False, str(error)


def single_key(owner: str, now: float) -> str:
    """Return a key for an event whose sender gives nothing to tell it by: every receipt is an event of its own.

    It is a position: who received it, when, and the how-manieth it was.
    """
    return f"received:{owner}:{now:.6f}:{next(_ORDINALS)}"
