"""`k8s`: create, update, patch or delete an object, of the kinds that eventflow keeps itself.

Creating a Workflow is submitting it, in the transaction of the firing. Other objects go through the catalog, with all
its checks. Objects of kinds that only a cluster knows are refused when the sensor is applied.
"""

from collections.abc import Mapping
from typing import Any

from eventflow.catalog import KINDS, home
from eventflow.errors import NotFound, UserError
from eventflow.model.document import dumps
from eventflow.store.contract import Work
from eventflow.triggers import parameters, submission
from eventflow.triggers.contract import Action, Done, Environment, Events, Firing, TriggerPlugin
from eventflow.triggers.workflow import resource_of

OPERATIONS = ("create", "update", "patch", "delete")
MERGE_PATCHES = ("", "application/merge-patch+json", "application/strategic-merge-patch+json")


class ObjectTrigger:
    """Changes objects."""

    def __init__(self, environment: Environment) -> None:
        self._engine = environment.engine
        self._catalog = environment.catalog

    def check(self, template: Mapping[str, Any]) -> None:
        """Raise UserError: an unknown operation, a kind that is not ours, a kind of patch that is not known."""
        operation, resource = _operation(template), resource_of(template)
        kind = resource.get("kind")
        if kind == "Workflow" and operation != "create":
            raise UserError(f"a Workflow cannot be changed by {operation}", hint="use argoWorkflow: stop, suspend ...")
        if kind != "Workflow" and kind not in KINDS:
            raise UserError(f"a {kind} is not kept by eventflow", hint=f"kinds: Workflow, {', '.join(sorted(KINDS))}")
        if (template.get("patchStrategy") or "") not in MERGE_PATCHES:
            raise UserError(f"patchStrategy {template['patchStrategy']!r} is not known", hint=f"use {MERGE_PATCHES[1]}")

    def plan(self, template: Mapping[str, Any], policy: Mapping[str, Any], events: Events, firing: Firing) -> Action:
        """Return the operation and the object, filled in."""
        del policy
        resource = parameters.apply(resource_of(template), template.get("parameters") or (), events)
        operation = _operation(template)
        if operation == "create":
            metadata = dict(resource.get("metadata") or {})
            resource["metadata"] = {**metadata, "labels": {**(metadata.get("labels") or {}), **firing.labels}}
        return {"op": operation, "manifest": resource}

    def enact(self, action: Action, firing: Firing) -> Work[Done] | None:
        """Return the submission of a Workflow, None for other objects."""
        if action["manifest"]["kind"] != "Workflow":
            return None
        return submission.admit(self._engine, submission.request(action, firing))

    async def perform(self, action: Action, firing: Firing) -> Done:
        """Change the object. Repeating it changes nothing more."""
        resource = action["manifest"]
        kind, metadata = str(resource["kind"]), resource.get("metadata") or {}
        namespace, name = str(metadata.get("namespace") or firing.namespace), str(metadata.get("name") or "")
        detail = {"kind": kind, "namespace": home(kind, namespace), "name": name, "operation": action["op"]}
        if action["op"] == "delete":
            try:
                await self._catalog.delete(kind, namespace, name)
            except NotFound as error:
                return Done("delivered", {**detail, "note": error.message})
            return Done("delivered", detail)
        if action["op"] != "create":
            current = (await self._catalog.get(kind, namespace, name)).spec_manifest
            resource = merged(current, resource) if action["op"] == "patch" else resource
        await self._catalog.apply_text(dumps(resource), f"trigger {firing.trigger}", namespace=namespace)
        return Done("delivered", detail)


def _operation(template: Mapping[str, Any]) -> str:
    operation = str(template.get("operation") or "create")
    if operation not in OPERATIONS:
        raise UserError(f"operation {operation!r} is not known", hint=f"use one of {', '.join(OPERATIONS)}")
    return operation


def merged(current: Any, patch: Any) -> Any:
    """Return a JSON value with a merge patch applied (RFC 7386)."""
    if not isinstance(patch, Mapping):
        return patch
    kept = dict(current) if isinstance(current, Mapping) else {}
    for key, value in patch.items():
        if value is None:
            kept.pop(key, None)
        else:
            kept[key] = merged(kept.get(key), value)
    return kept


PLUGIN = TriggerPlugin("k8s", "create or change an object kept by eventflow", ObjectTrigger)
