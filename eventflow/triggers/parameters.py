"""Trigger parameters: values of events written into a resource, a trigger's template or a payload.

Paths are gjson for reading and sjson for writing. Follows argo-events pkg/sensors/triggers/params.go; deliberate
differences are listed in docs/differences-events.md. `now` (seconds since the epoch) is what templates get from now.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from eventflow.expressions import sjson
from eventflow.expressions.gjson import path as gjson
from eventflow.model.document import Document, InvalidJson, dumps, loads
from eventflow.triggers import template_shape
from eventflow.triggers.resolve import Events, ParameterError, Resolved, resolve

_OPERATIONS = ("", "overwrite", "append", "prepend")

Parameters = Sequence[Mapping[str, Any]]


def apply(
    resource: Mapping[str, Any], parameters: Parameters, events: Events, now: float | None = None
) -> dict[str, Any]:
    """Return a Kubernetes resource with the parameters written into it; the given one is not changed.

    Raises ParameterError, also when the result has no kind.
    """
    changed = _object(apply_json(resource, parameters, events, now))
    if not changed.get("kind") or not isinstance(changed["kind"], str):
        raise ParameterError(
            "destination", "the resource has no kind any more", hint="do not overwrite kind with nothing"
        )
    return changed


def apply_json(document: Any, parameters: Parameters, events: Events, now: float | None = None) -> Any:
    """Return any JSON value with the parameters written into it. Raises ParameterError."""
    text = dumps(document)
    for parameter in parameters:
        operation = _operation(parameter)
        resolved = resolve(parameter.get("src") or {}, events, now)
        if resolved is not None:
            text = _write(text, parameter, resolved, operation)
    try:
        return loads(text)
    except InvalidJson as error:
        raise ParameterError("result-invalid", f"the result is no JSON: {error.message}") from error


def payload(parameters: Parameters, events: Events, now: float | None = None) -> str | None:
    """Return the payload built by a list of parameters, None when nothing was written.

    A parameter with an empty `dest` is the whole payload; of the parameters that take part it must be the only one.
    Raises ParameterError.
    """
    taking_part: list[tuple[Mapping[str, Any], Resolved, str]] = []
    for parameter in parameters:
        operation = _operation(parameter)
        resolved = resolve(parameter.get("src") or {}, events, now)
        if resolved is not None:
            taking_part.append((parameter, resolved, operation))
    text = ""
    for parameter, resolved, operation in taking_part:
        if not parameter.get("dest"):
            return _alone(taking_part, resolved)
        text = _write(text, parameter, resolved, operation)
    return text or None


def _alone(taking_part: Sequence[Any], whole: Resolved) -> str:
    if len(taking_part) > 1:
        raise ParameterError(
            "destination",
            "a payload entry with an empty dest is the whole payload, but there are other entries",
            hint="give every entry a dest",
        )
    return whole.text


def _operation(parameter: Mapping[str, Any]) -> str:
    operation = str(parameter.get("operation") or "")
    if operation not in _OPERATIONS:
        raise ParameterError(
            "unknown-operation", f"unknown operation {operation!r}", hint="use overwrite, append or prepend"
        )
    return operation


def _write(text: str, parameter: Mapping[str, Any], resolved: Resolved, operation: str) -> str:
    dest = str(parameter.get("dest") or "")
    raw = resolved.raw if (parameter.get("src") or {}).get("useRawData") else None
    try:
        if operation in ("append", "prepend"):
            current = gjson.get(Document(text), dest) if text else gjson.Result()
            if current.exists:
                return sjson.set_text(text, dest, _joined(current, resolved, operation, dest))
        if raw is not None:
            return sjson.set_raw(text, dest, raw)
        return sjson.set_text(text, dest, resolved.text)
    except sjson.BadDestination as error:
        raise ParameterError("destination", error.message, hint=error.hint) from error


def _joined(current: gjson.Result, resolved: Resolved, operation: str, dest: str) -> str:
    if isinstance(current.value, dict | list):
        raise ParameterError(
            "destination",
            f"{operation} to {dest!r}: a list or an object is there, not text",
            hint="use .-1 to append to a list",
        )
    first, second = (current.text(), resolved.text) if operation == "append" else (resolved.text, current.text())
    return first + second


def _object(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ParameterError("result-invalid", "the result is no object")
    return value


def apply_template(
    template: Mapping[str, Any], parameters: Parameters, events: Events, now: float | None = None
) -> dict[str, Any]:
    """Return a trigger's template with the trigger's own parameters written into it. Raises ParameterError."""
    if not parameters:
        return dict(template)
    return template_shape.conform(_object(apply_json(template, parameters, events, now)))
