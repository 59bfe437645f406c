"""`argoWorkflow`: submit a workflow, or control one that runs.

`submit` and `submit-from` and `resubmit` are transactions: the firing and its workflow become durable together. The
others are signals to the engine. Ours beside Argo's: `arguments`, a map from parameter name to text or `{cel: ...}`.
"""

import logging
from collections.abc import Callable, Mapping
from typing import Any

from eventflow.engine import rerun
from eventflow.engine.core.machine import Workflow
from eventflow.engine.core.stimuli import ResumeRequested, Stimulus, StopRequested, SuspendRequested
from eventflow.errors import Conflict, UserError
from eventflow.model import manifest
from eventflow.store.contract import Work
from eventflow.triggers import parameters, resolve, submission
from eventflow.triggers.contract import Action, Done, Environment, Events, Firing, TriggerPlugin

log = logging.getLogger(__name__)

SUBMITTING = ("submit", "submit-from", "resubmit")
_SIGNALS: dict[str, Callable[[float], Stimulus]] = {
    "stop": lambda at: StopRequested(at, "Stop"),
    "terminate": lambda at: StopRequested(at, "Terminate"),
    "suspend": SuspendRequested,
    "resume": ResumeRequested,
}
OPERATIONS = (*SUBMITTING, "retry", *_SIGNALS)


class WorkflowTrigger:
    """Submits and controls workflows."""

    def __init__(self, environment: Environment) -> None:
        self._engine = environment.engine
        self._clock = environment.clock

    def check(self, template: Mapping[str, Any]) -> None:
        """Raise UserError: an operation or an argument that is not known, no resource, one of the wrong kind."""
        operation = _operation(template)
        resource = resource_of(template)
        if operation == "submit-from" and resource.get("kind") not in submission.FROM_KINDS:
            raise UserError(
                f"submit-from takes no {resource.get('kind')!r}", hint=f"use {', '.join(submission.FROM_KINDS)}"
            )
        if operation == "submit" and resource.get("kind") != "Workflow":
            raise UserError(
                f"submit takes a Workflow, not {resource.get('kind')!r}", hint="use operation submit-from for templates"
            )
        submission.options(template.get("args") or ())

    def plan(self, template: Mapping[str, Any], policy: Mapping[str, Any], events: Events, firing: Firing) -> Action:
        """Return the submission or the signal, with everything filled in."""
        del policy
        operation = _operation(template)
        resource = parameters.apply(resource_of(template), template.get("parameters") or (), events)
        given = submission.options(template.get("args") or ())
        metadata = resource.get("metadata") or {}
        action: Action = {
            "op": operation,
            "namespace": given.get("namespace") or metadata.get("namespace") or firing.namespace,
            "parameters": {**given["parameters"], **_arguments(template.get("arguments") or {}, events)},
            "labels": given["labels"],
        }
        if given.get("priority"):
            action["priority"] = int(given["priority"])
        if operation == "submit":
            action["manifest"] = _overridden(resource, given)
            return action
        if not metadata.get("name"):
            raise UserError(f"{operation} needs metadata.name", hint="name the object in source.resource")
        action |= {"kind": resource["kind"], "name": str(metadata["name"])}
        action["arguments"] = (resource.get("spec") or {}).get("arguments")
        action["override"] = {key: given[key] for key in ("name", "generateName", "entrypoint") if key in given}
        return action

    def enact(self, action: Action, firing: Firing) -> Work[Done] | None:
        """Return the transaction that stores the workflow, None for signals."""
        return self._submit(action, firing) if action["op"] in SUBMITTING else None

    def _submit(self, action: Action, firing: Firing) -> Work[Done]:
        if action["op"] == "submit":
            whole = action
        else:
            made = yield from _made(action)
            whole = {**action, "manifest": _overridden(made, action.get("override") or {})}
        asked = submission.request(whole, firing)
        return (yield from submission.admit(self._engine, asked))

    async def perform(self, action: Action, firing: Firing) -> Done:
        """Signal a workflow, or have what failed in it run again.

        Where it contradicts the workflow's phase, it is left alone: that is what a repetition finds.
        """
        header = await self._engine.find(action["namespace"], action["name"])
        detail = {"workflow": header.name, "namespace": header.namespace, "operation": action["op"]}
        try:
            if action["op"] == "retry":
                await rerun.retry(self._engine, header, rerun.Options(action["parameters"]))
            else:
                await self._engine.signal(header, self._stimulus(action["op"]))
        except Conflict as error:
            log.warning("trigger %s of %s: %s", firing.trigger, firing.sensor, error.message)
            return Done("delivered", {**detail, "note": error.message})
        return Done("delivered", detail)

    def _stimulus(self, operation: str) -> Callable[[Workflow], Stimulus]:
        signal, at = _SIGNALS[operation], self._clock.now()

        def make(workflow: Workflow) -> Stimulus:
            del workflow
            return signal(at)

        return make


def _made(action: Action) -> Work[dict[str, Any]]:
    if action["op"] == "resubmit":
        return (yield from submission.resubmission(action["namespace"], action["name"]))
    where = action["kind"], action["namespace"], action["name"]
    return (yield from submission.template_manifest(*where, action.get("arguments")))


def resource_of(template: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the manifest of a trigger's `source`. Raises UserError for sources that are not kept in the sensor."""
    source = template.get("source") or {}
    if source.get("resource"):
        resource: Mapping[str, Any] = source["resource"]
        return resource
    if source.get("inline"):
        documents = manifest.load(source["inline"], "source.inline")
        if len(documents) == 1 and isinstance(documents[0].tree, dict):
            return submission.plain(documents[0].tree)
        raise UserError("source.inline must hold one manifest", hint="one YAML document with apiVersion and kind")
    given = ", ".join(sorted(source)) or "nothing"
    raise UserError(
        f"source needs resource or inline; there is {given}",
        hint="put the manifest into source.resource, or keep it as a WorkflowTemplate and use submit-from",
    )


def _operation(template: Mapping[str, Any]) -> str:
    operation = str(template.get("operation") or "submit")
    if operation not in OPERATIONS:
        raise UserError(f"operation {operation!r} is not known", hint=f"use one of {', '.join(OPERATIONS)}")
    return operation


def _overridden(resource: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    metadata = dict(resource.get("metadata") or {})
    spec = dict(resource.get("spec") or {})
    if given.get("generateName"):
        metadata = {key: value for key, value in metadata.items() if key != "name"}
    metadata |= {key: given[key] for key in ("name", "generateName") if given.get(key)}
    spec |= {key: given[key] for key in ("entrypoint", "serviceAccountName") if given.get(key)}
    return {**resource, "metadata": metadata, "spec": spec}


def _arguments(arguments: Mapping[str, Any], events: Events) -> dict[str, str]:
    """Return the workflow's arguments as text; CEL results that are no text become JSON."""
    values = {}
    for name, value in arguments.items():
        if not isinstance(value, Mapping):
            values[name] = str(value)
            continue
        found = resolve.resolve({"cel": value["cel"]}, events)
        if found is not None:
            values[name] = found.text
    return values


PLUGIN = TriggerPlugin("argoWorkflow", "submit a workflow, or stop, suspend or resume one", WorkflowTrigger)
