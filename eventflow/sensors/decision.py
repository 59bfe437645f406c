"""What a dependency makes of an event, and why."""

from dataclasses import dataclass
from typing import Literal

from eventflow.errors import UserError
from eventflow.model.cloudevent import CloudEvent

Kind = Literal["matched", "filtered", "error"]


@dataclass(frozen=True, slots=True)
class Decision:
    """The outcome of one dependency on one event.

    `reason` is a stable word for counting: what filtered (`data`, `exprs`, `context`, `time`, `script`, `cel`) or what
    went wrong (`missing-path`, `pattern`, `template`, `transform` ...); "" when matched. `detail` says it to people.
    `event` is the event after the transform, also when it was filtered; None when the transform failed.
    """

    matched: bool
    reason: str
    kind: Kind
    detail: str
    event: CloudEvent | None


class FilterError(UserError):
    """A filter or a transform that can not tell whether the event matches. `reason` as in `Decision`."""

    def __init__(self, reason: str, message: str, *, hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.reason = reason
