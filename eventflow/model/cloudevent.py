"""An event as filters, transforms and trigger parameters see it: Argo's context members and a JSON document."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from eventflow.clock import rfc3339
from eventflow.model.document import Document
from eventflow.model.event import Event

JSON_TYPE = "application/json"


@dataclass(frozen=True, slots=True)
class CloudEvent:
    """One event, its attributes named as in Argo's context, so that `contextKey: datacontenttype` reads them.

    `time` is RFC 3339 text ("" = unknown); `data` is None when the event carries none. `key` tells the event across
    redeliveries and is what join states and firings hold.
    """

    id: str
    source: str
    type: str = ""
    subject: str = ""
    time: str = ""
    datacontenttype: str = JSON_TYPE
    specversion: str = "1.0"
    data: Document | None = None
    key: str = ""

    @classmethod
    def of(cls, event: Event) -> "CloudEvent":
        """Return the view of a stored event; its data is decoded once, when first asked for.

        Where the sender gave no subject it is the event's name, and no time the time of receipt, as in Argo.
        """
        return cls(
            id=event.id,
            source=event.source,
            type=event.type,
            subject=event.subject or event.event_name,
            time=event.time or rfc3339(event.received_at),
            datacontenttype=event.datacontenttype or JSON_TYPE,
            data=Document(event.data_bytes) if event.data_bytes else None,
            key=event.identity,
        )

    def context(self) -> dict[str, Any]:
        """Return Argo's context object, its members in Argo's order; time in UTC, null when unknown."""
        return {
            "id": self.id,
            "source": self.source,
            "specversion": self.specversion,
            "type": self.type,
            "datacontenttype": self.datacontenttype,
            "subject": self.subject,
            "time": _utc(self.time) or None,
        }

    def with_data(self, value: Any) -> "CloudEvent":
        """Return this event carrying another JSON value, as a transform leaves it."""
        return replace(self, data=Document.of(value), datacontenttype=JSON_TYPE)


def _utc(text: str) -> str:
    """Return an RFC 3339 time as UTC with the fraction it has; what is none stays as it is."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return text
    at = at.astimezone(UTC) if at.tzinfo else at
    return at.replace(tzinfo=None).isoformat() + "Z"
