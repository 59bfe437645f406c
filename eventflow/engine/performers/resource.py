"""`resource` templates against eventflow's own objects, with no cluster.

After Argo v4.1.2 workflow/executor/resource.go and cmd/argoexec/commands/resource.go, which run kubectl: the action,
then conditions over the object until they decide, then outputs read from it. What is created is known again by a key
derived from the pod; apply, replace, delete and merge patches can be repeated as they are; a JSON patch is applied at
least once.
"""

import asyncio
import shutil
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from eventflow.engine.performers import kubectl, kubectl_path, orders
from eventflow.engine.performers.contract import Task
from eventflow.engine.performers.kubectl import Refused
from eventflow.engine.performers.orders import Order
from eventflow.engine.performers.shelf import Place, Shelf, Tree
from eventflow.engine.performers.watching import Changes
from eventflow.errors import PermanentError, UserError
from eventflow.expressions import success
from eventflow.expressions.selector import SelectorError
from eventflow.model.document import Document, dumps
from eventflow.model.pod import Pod, PodEnd
from eventflow.runtimes import verdict
from eventflow.runtimes.contract import ArtifactTransfer

LONGEST_MANIFEST = 4 << 20

Jq = Callable[[str, Any], Any]
"""Gives the first output of a jq program for a JSON value. May block. Raises UserError."""


class Broken(UserError):
    """What went wrong after the action was done."""


class ResourcePerformer:
    """Does what templates ask of objects. `shelf` gives the shelf of a kind, `transfer` the artifacts of a namespace.

    `jq` evaluates filters; without it they are an error. Objects of other namespaces than the workflow's are out of
    reach, unless `across_namespaces`: in a cluster, a service account's rights would decide.
    """

    def __init__(
        self,
        shelf: Callable[[str], Shelf],
        changes: Changes,
        transfer: Callable[[str], ArtifactTransfer],
        jq: Jq | None = None,
        *,
        across_namespaces: bool = False,
    ) -> None:
        self._across_namespaces = across_namespaces
        self._shelf = shelf
        self._changes = changes
        self._transfer = transfer
        self._jq = jq

    async def perform(self, task: Task) -> PodEnd:
        """Act, wait, and read outputs. Raises NeedsCluster for kinds that only a cluster runs."""
        template: Mapping[str, Any] = task.pod.template["resource"]
        parameters: dict[str, str] = {}
        try:
            if template.get("action") == "delete" and _asks_more(task.pod):
                raise Broken(orders.NO_OUTPUTS)
            text = await self._text(task.pod)
            order = orders.read(task.pod, text)
            if order.namespace != task.pod.namespace and not self._across_namespaces:
                raise kubectl.forbidden(order.kind, order.action, order.namespace, task.pod.namespace)
            shown = await self._act(order, template, text, _key(task.pod))
            if shown is not None:
                shown = await self._waited(order, template, shown, task)
                parameters = await self._outputs(task.pod, shown)
        except Refused as error:
            return _failed(task, f"no more retries {error.message}")
        except Broken as error:
            return _failed(task, error.message)
        return PodEnd("Succeeded", task.now(), exit_code=0, parameters=parameters)

    async def _text(self, pod: Pod) -> str:
        """Return the manifest, from the template or an input artifact."""
        template = pod.template["resource"]
        source = ((template.get("manifestFrom") or {}).get("artifact") or {}).get("name")
        if not source:
            return str(template.get("manifest") or "")
        artifacts = (pod.template.get("inputs") or {}).get("artifacts") or ()
        artifact = next((each for each in artifacts if each.get("name") == source), None)
        if artifact is None:
            raise Broken(f"manifestFrom: there is no input artifact {source!r}")
        box = Path(await asyncio.to_thread(tempfile.mkdtemp, prefix="manifest-"))
        try:
            await self._transfer(pod.namespace).fetch(artifact, box / "manifest")
            return await asyncio.to_thread(_read, box / "manifest")
        except PermanentError as error:
            raise Broken(f"manifestFrom: {error}") from error
        finally:
            await asyncio.to_thread(shutil.rmtree, box, ignore_errors=True)

    async def _act(self, order: Order, template: Mapping[str, Any], text: str, key: str) -> Tree | None:
        """Do it, and return the object; None after a deletion."""
        shelf = self._shelf(order.kind)
        if order.action in ("create", "apply"):
            if order.action == "create":
                return await shelf.create(order.manifest, order.namespace, key)
            if not order.names:
                raise Refused("error: cannot use generate name with apply")
            return await shelf.apply(order.manifest, order.namespace, key)
        if order.action == "delete":
            for place in await self._selected(order, shelf):
                await shelf.delete(place)
            return None
        place = _one(order)
        if order.action == "replace":
            return await shelf.replace(place, order.manifest)
        if order.action == "patch":
            return await shelf.patch(place, orders.patch(str(template.get("mergeStrategy") or "strategic"), text))
        found = await shelf.find(place)
        if found is None:
            raise kubectl.not_found(order.kind, place.name)
        return found

    async def _selected(self, order: Order, shelf: Shelf) -> list[Place]:
        if not order.selector and not order.all:
            if not order.names:
                raise Refused("error: resource(s) were provided, but no name was specified")
            return orders.places(order)
        try:
            names = await shelf.names(order.kind, order.namespace, order.selector)
        except SelectorError as error:
            raise Refused(f"error: unable to parse requirement: {error.message}") from error
        return [Place(order.kind, order.namespace, name) for name in names]

    async def _waited(self, order: Order, template: Mapping[str, Any], shown: Tree, task: Task) -> Tree:
        """Return the object as it is when the conditions say that it has succeeded. Raises Broken."""
        wanted, fatal = str(template.get("successCondition") or ""), str(template.get("failureCondition") or "")
        if not wanted and not fatal:
            return shown
        metadata, shelf = shown["metadata"], self._shelf(order.kind)
        place = Place(order.kind, str(metadata.get("namespace") or order.namespace), str(metadata["name"]))
        # A condition on the phase needs no more than the phase: a look at a large workflow is dear.
        whole = any(word in wanted + fatal for word in ("nodes", "progress", "outputs", "labels", "annotations"))
        with self._changes.watching(place.kind, place.namespace, place.name) as watch:
            rested = False
            while True:
                now = await (shelf.find(place) if whole else shelf.glance(place))
                if self._decided(wanted, fatal, now, place):
                    return await shelf.find(place) or shown
                watch.phase = None if whole else str(((now or {}).get("status") or {}).get("phase") or "")
                if not rested:
                    rested = True
                    task.rest()
                await watch.changed()

    def _decided(self, wanted: str, fatal: str, shown: Tree | None, place: Place) -> bool:
        if shown is None:
            gone = kubectl.not_found(place.kind, place.name).message
            raise Broken(
                "The resource has been deleted while its status was still being checked. Will not be retried: "
                + gone.partition(": ")[2]
            )
        try:
            outcome = success.resource(wanted, fatal, Document.of(dict(shown)))
        except SelectorError as error:
            raise Broken(f"condition failed to parse: {error}") from error
        if outcome.decision == "fail":
            raise Broken(outcome.message)
        return outcome.decision == "succeed"

    async def _outputs(self, pod: Pod, shown: Tree) -> dict[str, str]:
        found: dict[str, str] = {}
        for parameter in (pod.template.get("outputs") or {}).get("parameters") or ():
            source = parameter.get("valueFrom") or {}
            if not source.get("jsonPath") and not source.get("jqFilter"):
                continue
            try:
                found[parameter["name"]] = await self._output(source, shown)
            except UserError as error:
                if source.get("default") is None:
                    raise Broken(f"output parameter {parameter['name']!r}: {error}") from error
                found[parameter["name"]] = str(source["default"])
        return found

    async def _output(self, source: Mapping[str, Any], shown: Tree) -> str:
        if source.get("jsonPath"):
            return kubectl_path.expand(str(source["jsonPath"]), shown)
        if self._jq is None:
            raise UserError("jqFilter needs jq", hint="pip install 'eventflow[jq]'")
        # All results as one list: a filter may give several.
        results = await asyncio.to_thread(self._jq, f"[{source['jqFilter']}\n]", shown)
        return "\n".join(each if isinstance(each, str) else dumps(each) for each in results)


def _key(pod: Pod) -> str:
    """Return what makes a creation repeatable: pod names are unique within a workflow, workflows by their uid."""
    return f"{pod.workflow_uid}/{pod.name}"


def _one(order: Order) -> Place:
    if len(order.names) != 1:
        raise Refused("Kind and name are both required but at least one of them is missing from the manifest")
    return orders.places(order)[0]


def _asks_more(pod: Pod) -> bool:
    template = pod.template["resource"]
    conditions = template.get("successCondition") or template.get("failureCondition")
    return bool(conditions or (pod.template.get("outputs") or {}).get("parameters"))


def _failed(task: Task, message: str) -> PodEnd:
    code = verdict.EMISSARY_ERROR
    return PodEnd("Failed", task.now(), message=f"main: Error (exit code {code}): {message}", exit_code=code)


def _read(path: Path) -> str:
    if not path.is_file() or path.stat().st_size > LONGEST_MANIFEST:
        raise Broken(f"manifestFrom: the artifact is not a file of at most {LONGEST_MANIFEST >> 20} MiB")
    return path.read_text("utf-8", "replace")
