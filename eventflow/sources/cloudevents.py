"""CloudEvents over HTTP, checked before anything is made of them.

The `cloudevents` library invents a missing id and time, refuses nulls and knows no batches, so what it is given is
checked here first: an id that the sender did not give would make every redelivery a new event. Source: CloudEvents
1.0.2, HTTP protocol binding, and JSON event format section 4 (batches).
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote

from cloudevents.core.exceptions import BaseCloudEventException
from cloudevents.core.v1.event import CloudEvent

from eventflow.model.document import InvalidJson, dumps, loads
from eventflow.sources.payloads.request import Refused, Request

STRUCTURED = "application/cloudevents+json"
BATCH = "application/cloudevents-batch+json"
REQUIRED = ("specversion", "id", "source", "type")
MOST = 1000


def claims(request: Request) -> bool:
    """Whether a request says that it carries CloudEvents."""
    return request.media_type in (STRUCTURED, BATCH) or bool(request.header("ce-specversion"))


def parts(request: Request) -> list[Request]:
    """Return a request for each CloudEvent that it carries, each checked; nulls are gone. Raises Refused(400)."""
    if request.media_type == BATCH:
        return [_structured(request, each) for each in _batch(request)]
    if request.media_type == STRUCTURED:
        value = _json(request)
        if not isinstance(value, dict):
            raise Refused(400, "a CloudEvent is a JSON object")
        return [_structured(request, value)]
    headers = {name.lower()[3:]: unquote(text) for name, text in request.headers if name.lower().startswith("ce-")}
    _check(headers)
    return [request]


def _batch(request: Request) -> list[dict[str, Any]]:
    value = _json(request)
    if not isinstance(value, list) or not all(isinstance(each, dict) for each in value):
        raise Refused(400, "a batch of CloudEvents is a JSON array of objects")
    if len(value) > MOST:
        raise Refused(413, f"a batch has at most {MOST} events", hint="send several batches")
    return value


def _json(request: Request) -> Any:
    try:
        return loads(request.body)
    except InvalidJson as error:
        raise Refused(400, f"the body is {error.message}") from error


def _structured(request: Request, value: Mapping[str, Any]) -> Request:
    given = {name: member for name, member in value.items() if member is not None}
    _check({name: member for name, member in given.items() if name not in ("data", "data_base64")})
    headers = tuple(
        (name, STRUCTURED if name.lower() == "content-type" else text)
        for name, text in request.headers
        if name.lower() != "content-length"
    )
    return Request(request.method, request.target, headers, dumps(given).encode("utf-8", "surrogatepass"))


def _check(attributes: Mapping[str, Any]) -> None:
    """Refuse attributes that are missing or that the specification does not allow."""
    missing = [name for name in REQUIRED if not attributes.get(name)]
    if missing:
        raise Refused(400, f"the CloudEvent has no {', '.join(missing)}", hint=f"{', '.join(REQUIRED)} are required")
    if attributes["specversion"] != "1.0":
        raise Refused(400, f"CloudEvents {attributes['specversion']} is not known", hint="send specversion 1.0")
    try:
        CloudEvent({**attributes, "time": _time(attributes.get("time"))})
    except (BaseCloudEventException, ValueError, TypeError) as error:
        raise Refused(400, f"not a CloudEvent: {error}") from error


def _time(text: Any) -> datetime:
    """Return the time as the library wants it; a stand-in for none, which the library would fill in."""
    if text is None:
        return datetime.fromtimestamp(0, UTC)
    at = datetime.fromisoformat(str(text))
    return at if at.tzinfo else at.replace(tzinfo=UTC)
