"""`filters.cel`: one CEL expression over the event."""

from collections.abc import Mapping
from typing import Any

from eventflow.expressions.cel import engine
from eventflow.expressions.cel.errors import CelError
from eventflow.model.cloudevent import CloudEvent
from eventflow.model.document import InvalidJson
from eventflow.sensors.decision import FilterError

VARIABLES = frozenset({"event", "data", "body", "header", "headers", "context"})


def compile_filter(source: str) -> engine.Program:
    """Compile a filter. Raises UserError with line and column: bad syntax, unknown names, a result that is no bool."""
    return engine.compile(source, variables=VARIABLES, result="bool")


def variables(event: CloudEvent) -> dict[str, Any]:
    """Return what CEL sees of an event.

    `data` is the event's data, null without any; `body` its member `body` if it has one, else the data itself;
    `header` and `headers` are the member of either name (values are lists), each header under its name as it stands
    and in lower case. Raises FilterError when the data is not JSON.
    """
    try:
        data = event.data.value if event.data is not None else None
    except InvalidJson as error:
        raise FilterError("not-json", error.message) from error
    seen = _headers(data)
    attributes = event.context()
    return {
        "event": {**attributes, "ext": {}},
        "context": attributes,
        "data": data,
        "body": data["body"] if isinstance(data, dict) and "body" in data else data,
        "header": seen,
        "headers": seen,
    }


def _headers(data: Any) -> dict[str, Any]:
    held = data.get("header", data.get("headers")) if isinstance(data, dict) else None
    if not isinstance(held, dict):
        return {}
    return {**{name.lower(): value for name, value in held.items()}, **held}


def holds(program: engine.Program, values: Mapping[str, Any]) -> bool:
    """Whether the expression is true. Raises FilterError("cel") when it fails."""
    try:
        return program.matches(values)
    except CelError as error:
        raise FilterError("cel", str(error)) from error
