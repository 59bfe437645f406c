"""What eventflow adds to Argo's manifests, all in one place.

A manifest that uses none of it is Argo's own. The fields are mixed into the models of sensors and event sources:

- `filters.cel`: a CEL expression over the event that must be true (beside Argo's own filters).
- `src.cel`: a trigger parameter's value as a CEL expression over `deps` and the event.
- `argoWorkflow.arguments`: workflow arguments by name, each a value or `{cel: ...}`.
- `verify` and `methods` of a webhook: how a sender proves who it is, and the HTTP methods that are taken.
- `keyPath` of a `webhook`: where in the body stands what tells an event from others.
- `spec.dst` of a CronWorkflow and `dst` of a calendar: see docs/differences-cron.md.
"""

from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator
from pydantic_core import PydanticCustomError

from eventflow.model.fields import Duration, Object, Text, Texts, as_text, choice
from eventflow.model.kinds import VERIFY_SCHEMES
from eventflow.model.kubernetes import KeySelector


class Verify(Object):
    """How the sender of a webhook proves who it is.

    `scheme` is a sender's own way or a general one. `secret`, or `secrets` while one is being replaced by another, name
    keys of Secrets. For `hmac`: `header` holds the signature, `prefix` stands before it (`sha256=`), `algorithm` is
    sha1, sha256 or sha512, `encoding` hex or base64. `username` goes with `basic`. `tolerance` bounds
    the age of signed times (5m).
    """

    scheme: Annotated[str, AfterValidator(choice(*VERIFY_SCHEMES))]
    secret: KeySelector | None = None
    secrets: list[KeySelector] | None = None
    header: Text = None
    prefix: Text = None
    algorithm: Annotated[str, AfterValidator(choice("sha1", "sha256", "sha384", "sha512"))] | None = None
    encoding: Annotated[str, AfterValidator(choice("hex", "base64"))] | None = None
    username: Text = None
    tolerance: Duration | None = None


class WebhookExtension(Object):
    """`methods` replaces `method` where a path takes several."""

    methods: Texts = None
    verify: Verify | None = None


class WebhookKeyExtension(Object):
    """What an event is told by from the sender's others: a gjson path into the body."""

    key_path: Text = None


class FilterExtension(Object):
    """A CEL expression that must be true for the event to count. Variables: event, data, body, header, headers."""

    cel: Text = None


class ParameterSourceExtension(Object):
    """A CEL expression that gives the value. Variables: deps.<dependency>, and those of filters."""

    cel: Text = None


class CelArgument(Object):
    """An argument computed by CEL."""

    cel: str


def _argument(value: Any) -> Any:
    if isinstance(value, dict):
        return CelArgument.model_validate(value).model_dump()
    text = as_text(value)
    if not isinstance(text, str):
        raise PydanticCustomError("argument", "must be a value or a mapping with cel")
    return text


Argument = Annotated[Any, BeforeValidator(_argument)]
"""Text (numbers and booleans become text), or `{cel: expression}`."""


class WorkflowTriggerExtension(Object):
    """Arguments of the workflow by parameter name."""

    arguments: dict[str, Argument] | None = None
