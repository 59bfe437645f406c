"""The value of a trigger parameter's `src` (argo-events pkg/sensors/triggers/params.go, ResolveParamValue)."""

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from eventflow.errors import UserError
from eventflow.expressions.cel import engine
from eventflow.expressions.cel.errors import CelError
from eventflow.expressions.gjson import path as gjson
from eventflow.expressions.gotemplate import template as template_language
from eventflow.expressions.gotemplate.values import TemplateError
from eventflow.model.cloudevent import JSON_TYPE, CloudEvent
from eventflow.model.document import Document, InvalidJson, dumps

CEL_VARIABLES = frozenset({"event", "data", "body", "header", "headers", "context", "deps"})

Events = Mapping[str, CloudEvent]


class ParameterError(UserError):
    """A parameter that can not be resolved or written; the trigger does not run.

    `reason`: unresolved, not-json, content-type, destination, unknown-operation, result-invalid, cel.
    """

    def __init__(self, reason: str, message: str, *, hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Resolved:
    """A value: its text, and its JSON when it is not simply text (`useRawData` writes that)."""

    text: str
    raw: str | None = None


def resolve(src: Mapping[str, Any], events: Events, now: float | None = None) -> Resolved | None:
    """Return the value of a `src`, None when its dependency did not take part (an `||`) and there is no `value`.

    Template before key before `value`; with both `context*` and `data*` set, data is read and context is not; with
    none set it is `value`, else the whole event. `cel` (ours) wins over all. `now` is what templates get from now.
    Raises ParameterError.
    """
    if src.get("cel"):
        return _cel(src, events)
    default = src.get("value")
    event = events.get(str(src.get("dependencyName") or ""))
    if event is None:
        return None if default is None else Resolved(str(default))
    key, template, of_data = _selection(src)
    if not key and not template:
        return Resolved(str(default)) if default is not None else Resolved(whole(event))
    try:
        return _selected(event, (key, template, of_data), now)
    except ParameterError:
        if default is None:
            raise
        return Resolved(str(default))


def _selection(src: Mapping[str, Any]) -> tuple[str, str, bool]:
    of_data = bool(src.get("dataKey") or src.get("dataTemplate"))
    prefix = "data" if of_data else "context"
    return str(src.get(f"{prefix}Key") or ""), str(src.get(f"{prefix}Template") or ""), of_data


def whole(event: CloudEvent) -> str:
    """Return the whole event as JSON text: its context, and its data in base64 (absent data as null)."""
    data = None if event.data is None else base64.b64encode(event.data.text.encode("utf-8", "surrogatepass")).decode()
    return dumps({"context": event.context(), "data": data})


def _selected(event: CloudEvent, selection: tuple[str, str, bool], now: float | None) -> Resolved:
    key, template, of_data = selection
    document = _data(event) if of_data else Document.of(event.context())
    problem = ""
    if template:
        try:
            return Resolved(_rendered(template, document, now))
        except TemplateError as error:
            problem = error.message
    if key:
        result = gjson.get(document, key)
        if result.exists and not (not of_data and result.value is None):
            return _found(result)
        problem = problem or f"nothing is at {key!r} in the event's {'data' if of_data else 'context'}"
    raise ParameterError("unresolved", problem, hint="give src.value as a default, or correct the key or the template")


def _rendered(template: str, document: Document, now: float | None) -> str:
    rendered = template_language.parse(template).render({"Input": document.value}, now)
    if rendered.incomplete:
        raise TemplateError("the template prints a value that does not exist", hint="use default, or give src.value")
    if not rendered.text:
        raise TemplateError("the template makes an empty text")
    return rendered.text


def _found(result: gjson.Result) -> Resolved:
    if isinstance(result.value, str):
        return Resolved(result.value)
    text = result.raw if isinstance(result.value, dict | list | None) else result.text()
    return Resolved(text, result.raw)


def _data(event: CloudEvent) -> Document:
    if event.datacontenttype == "application/yaml":
        return _from_yaml(event)
    if event.datacontenttype != JSON_TYPE:
        raise ParameterError(
            "content-type",
            f"event data of type {event.datacontenttype!r} can not be read by key",
            hint="leave the key out",
        )
    if event.data is None or not event.data.valid:
        raise ParameterError("not-json", "the event's data is not JSON")
    return event.data


def _from_yaml(event: CloudEvent) -> Document:
    try:
        return Document(dumps(yaml.safe_load(event.data.text if event.data else "")))
    except (yaml.YAMLError, RecursionError, TypeError) as error:
        raise ParameterError("result-invalid", f"the event's data is not YAML: {str(error).splitlines()[0]}") from error


def _cel(src: Mapping[str, Any], events: Events) -> Resolved | None:
    name = str(src.get("dependencyName") or "")
    if name and name not in events:
        default = src.get("value")
        return None if default is None else Resolved(str(default))
    program = engine.compile(str(src["cel"]), variables=CEL_VARIABLES)
    try:
        value = engine.to_json(program.evaluate(cel_variables(name, events)))
    except (CelError, InvalidJson) as error:
        if src.get("value") is not None:
            return Resolved(str(src["value"]))
        raise ParameterError("cel", f"src.cel: {error}", hint="guard it with has(), or give src.value") from error
    return Resolved(value) if isinstance(value, str) else Resolved(dumps(value), dumps(value))


def cel_variables(name: str, events: Events) -> dict[str, Any]:
    """Return what CEL sees: the event of the named dependency (the only one without a name), and `deps.<name>`.

    `deps.<name>` has `event` and `data`. Raises InvalidJson when data is not JSON.
    """
    deps = {key: {"event": event.context(), "data": _value(event)} for key, event in events.items()}
    chosen = deps.get(name) or (next(iter(deps.values())) if len(deps) == 1 else {"event": {}, "data": None})
    data = chosen["data"]
    held = data.get("header", data.get("headers")) if isinstance(data, dict) else None
    headers = {**{k.lower(): v for k, v in held.items()}, **held} if isinstance(held, dict) else {}
    return {
        "event": chosen["event"],
        "context": chosen["event"],
        "data": data,
        "body": data["body"] if isinstance(data, dict) and "body" in data else data,
        "header": headers,
        "headers": headers,
        "deps": deps,
    }


def _value(event: CloudEvent) -> Any:
    return event.data.value if event.data is not None else None
