"""WorkflowEventBinding: an event received over Argo's API submits a workflow (server/event/dispatch/operation.go)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from eventflow.errors import UserError
from eventflow.expressions import plain_expr
from eventflow.expressions.expr import program
from eventflow.expressions.expr.environment import Environment
from eventflow.expressions.expr.errors import ExprError
from eventflow.expressions.golang import json_text, text
from eventflow.model.document import loads
from eventflow.sources.filter import floats


class BindingError(UserError):
    """A binding that fails on an event. `reason`: selector, template-not-found, argument-shape, argument, metadata."""

    def __init__(self, reason: str, message: str, *, hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class BoundEvent:
    """What came in: the namespace and discriminator of the path, the headers in lower case, the JSON payload."""

    namespace: str
    discriminator: str
    headers: Mapping[str, list[str]]
    payload: Any

    def variables(self) -> dict[str, Any]:
        """Return what expressions see; of the headers only those that begin with x-, so that no credentials leak."""
        return {
            "namespace": self.namespace,
            "discriminator": self.discriminator,
            "metadata": {name: list(values) for name, values in self.headers.items() if name.startswith("x-")},
            "payload": floats(self.payload),
        }


@dataclass(frozen=True, slots=True)
class Submission:
    """The workflow to submit. `name` is "" when it is to be made from `generate_name`."""

    template: str
    cluster_scope: bool
    arguments: tuple[tuple[str, str], ...]
    name: str = ""
    generate_name: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)


def select(binding: Mapping[str, Any], event: BoundEvent, now: float = 0.0) -> bool:
    """Whether the selector of a binding's spec takes the event. Raises BindingError("selector")."""
    try:
        selector = str((binding.get("event") or {}).get("selector") or "")
        return plain_expr.evaluate_bool(selector, event.variables(), now)
    except ExprError as error:
        raise BindingError("selector", f"the selector failed: {error}") from error


def submission(
    binding: Mapping[str, Any], event: BoundEvent, template: Mapping[str, Any] | None, now: float = 0.0
) -> Submission | None:
    """Return what a binding that takes the event submits, None when it has no `submit`.

    `template` is the manifest that `workflowTemplateRef` names, None when there is none. Raises BindingError.
    """
    submit = binding.get("submit")
    if not submit:
        return None
    reference = submit.get("workflowTemplateRef") or {}
    name = str(reference.get("name") or "")
    if template is None:
        kind = "cluster workflow template" if reference.get("clusterScope") else "workflow template"
        raise BindingError("template-not-found", f"there is no {kind} {name!r}", hint="create it, or correct the name")
    inherited = (template.get("spec") or {}).get("workflowMetadata") or {}
    metadata = submit.get("metadata") or {}
    variables = event.variables()
    return Submission(
        name,
        bool(reference.get("clusterScope")),
        _arguments((submit.get("arguments") or {}).get("parameters") or [], variables, now),
        _text(metadata.get("name"), "name", variables, now),
        _text(metadata.get("generateName"), "generateName", variables, now) or f"{name}-",
        {**(inherited.get("labels") or {}), **_texts(metadata.get("labels"), "label", variables, now)},
        {**(inherited.get("annotations") or {}), **_texts(metadata.get("annotations"), "annotation", variables, now)},
    )


def _arguments(
    parameters: list[Mapping[str, Any]], variables: Mapping[str, Any], now: float
) -> tuple[tuple[str, str], ...]:
    made: list[tuple[str, str]] = []
    for parameter in parameters:
        name = str(parameter.get("name"))
        if parameter.get("valueFrom") is None:
            raise BindingError("argument-shape", f"parameter {name!r} has no valueFrom", hint="add valueFrom.event")
        try:
            value = plain_expr.evaluate(str(parameter["valueFrom"].get("event") or ""), variables, now)
            made.append((name, _argument(value)))
        except (ExprError, ValueError) as error:
            raise BindingError("argument", f"parameter {name!r}: {error}") from error
    return tuple(made)


def _argument(value: Any) -> str:
    """Return a value as an argument: text as it is, also what JSON writes as text; all else as JSON."""
    if isinstance(value, str):
        return value
    encoded = json_text.encode(value, html=False)
    return str(loads(encoded)) if encoded.startswith('"') else encoded


def _texts(
    expressions: Mapping[str, str] | None, what: str, variables: Mapping[str, Any], now: float
) -> dict[str, str]:
    return {key: _text(source, f"{what} {key!r}", variables, now) for key, source in (expressions or {}).items()}


def _text(source: str | None, what: str, variables: Mapping[str, Any], now: float) -> str:
    """Return what an expression of the metadata gives; here sprig and Argo's functions are known."""
    if not source:
        return ""
    try:
        value = program.compile(source).evaluate(variables, Environment(now=now))
    except ExprError as error:
        raise BindingError("metadata", f"{what}: {error}", hint="put a constant in quotes: \"'fixed'\"") from error
    if not isinstance(value, str):
        raise BindingError(
            "metadata", f"{what} must be text, not {text.type_name(value)}", hint="convert it with string()"
        )
    return value
