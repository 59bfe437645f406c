"""Binding: a call's arguments into its template's inputs, and all variables into the rest of the template.

One pass: what an argument holds is never read as a template again.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from eventflow.engine.core import names
from eventflow.engine.core.calls import Call
from eventflow.engine.core.plan import Template
from eventflow.engine.core.scope import Layered
from eventflow.expressions.scope import Scope

if TYPE_CHECKING:
    from eventflow.engine.core.machine import Workflow


def bind(workflow: "Workflow", call: Call, template: Template) -> Mapping[str, Any]:
    """Return the template's head with inputs and variables in place. Raises UserError."""
    local = {"node.name": call.name, **call.caller}
    if template.pod and (template.retry is None or call.attempt is not None):
        local["pod.name"] = names.pod_name(workflow.state.name, call.name, template.name)
    if call.attempt is not None:
        local.update(call.attempt)
    below: Mapping[str, Any] = workflow.variables if call.outer is None else Layered(call.outer, workflow.variables)
    bound = template.head.bind(
        call.arguments,
        Scope(local, Scope(below)),
        environment=workflow.environment(call.name),
        config_map=workflow.definition.config_value,
    )
    return bound.template


def recorded(bound: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the bound inputs as a node keeps them; None if there are none."""
    inputs = bound.get("inputs") or {}
    kept = {key: inputs[key] for key in ("parameters", "artifacts") if inputs.get(key)}
    return kept or None
