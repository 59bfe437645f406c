"""`webhook`: any JSON or form, sent by anyone (argo-events pkg/eventsources/sources/webhook/start.go)."""

from collections.abc import Mapping
from typing import Any

from eventflow.model.document import dumps
from eventflow.sources.payloads import keys
from eventflow.sources.payloads.request import (
    Answer,
    Received,
    Refused,
    Request,
    Surroundings,
    envelope,
    form,
    json_text,
)

FORM = "application/x-www-form-urlencoded"
_BODILESS = ("GET", "DELETE")


def receive(
    request: Request, config: Mapping[str, Any], _around: Surroundings, parameters: Mapping[str, str]
) -> Answer:
    """Take a request: the body is JSON, a form as {name: [values]}, or for GET the query in that form.

    The query of other methods and the variables of the endpoint's path are added as `query` and `params`.
    """
    value, text = _body(request)
    more: dict[str, Any] = {}
    if request.query and request.method not in _BODILESS:
        more["query"] = request.query
    if parameters:
        more["params"] = dict(parameters)
    sent = keys.cloudevent(request, value)
    event = Received(
        envelope(request, "header", text, config.get("metadata"), more),
        key=keys.of_webhook(request, value, config),
        extensions={name: text for name, text in sent.items() if name not in _ATTRIBUTES},
        **{name: sent.get(name, "") for name in _KEPT},
    )
    return Answer(200, "success", (event,))


_KEPT = ("id", "source", "type", "subject", "time")
_ATTRIBUTES = frozenset({*_KEPT, "specversion", "datacontenttype", "dataschema", "data_base64"})


def _body(request: Request) -> tuple[Any, str]:
    if request.method == "GET" or (request.method == "DELETE" and not request.body):
        return request.query, dumps(request.query)
    if request.media_type == FORM:
        try:
            fields = form(request.body.decode())
        except UnicodeDecodeError as error:
            raise Refused(400, "the form is not UTF-8") from error
        return fields, dumps(fields)
    return json_text(request.body)
