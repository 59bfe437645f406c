"""CRUD of WorkflowTemplates, ClusterWorkflowTemplates and CronWorkflows as Argo Server has it, and of all objects.

Source: Argo v4.1.2 pkg/apiclient/{workflowtemplate,clusterworkflowtemplate,cronworkflow}/*.proto.
`/api/v1/objects` is eventflow's own: it applies a YAML or JSON text with objects of any kind.
"""

from dataclasses import dataclass
from functools import partial
from typing import Any

from aiohttp import web

from eventflow.api import answers, selection
from eventflow.api.parts import Parts
from eventflow.api.workflows import check, read_object
from eventflow.catalog import KINDS, Applied
from eventflow.errors import Conflict, UserError
from eventflow.model import manifest, spelling
from eventflow.store.objects import Object

_HIDDEN = frozenset({"Secret"})


@dataclass(frozen=True, slots=True)
class Collection:
    """A kind with its path, and the key that holds the object in a request's body."""

    kind: str
    path: str
    field: str


COLLECTIONS = (
    Collection("WorkflowTemplate", "/api/v1/workflow-templates/{namespace}", "template"),
    Collection("ClusterWorkflowTemplate", "/api/v1/cluster-workflow-templates", "template"),
    Collection("CronWorkflow", "/api/v1/cron-workflows/{namespace}", "cronWorkflow"),
    Collection("Sensor", "/api/v1/sensors/{namespace}", "sensor"),
    Collection("EventSource", "/api/v1/event-sources/{namespace}", "eventSource"),
    Collection("WorkflowEventBinding", "/api/v1/workflow-event-bindings/{namespace}", "workflowEventBinding"),
)


class Templates:
    """The handlers of objects."""

    def __init__(self, app: Parts) -> None:
        self._app = app

    def add_to(self, router: web.UrlDispatcher) -> None:
        """Add the routes."""
        for each in COLLECTIONS:
            base = each.path.removesuffix("/{namespace}")
            for path in {base, f"{base}/", each.path}:
                router.add_get(path, partial(self._list, each))
            router.add_post(each.path, partial(self._create, each))
            router.add_post(f"{each.path}/lint", partial(self._lint, each))
            router.add_get(f"{each.path}/{{name}}", partial(self._get, each))
            router.add_put(f"{each.path}/{{name}}", partial(self._update, each))
            router.add_delete(f"{each.path}/{{name}}", partial(self._delete, each))
        for verb in ("suspend", "resume"):
            router.add_put(f"/api/v1/cron-workflows/{{namespace}}/{{name}}/{verb}", partial(self._pause, verb))
        router.add_post("/api/v1/objects", self.apply)
        router.add_get("/api/v1/objects/{kind}", self.list_kind)
        router.add_get("/api/v1/objects/{kind}/{name}", self.get_object)
        router.add_get("/api/v1/objects/{kind}/{name}/versions", self.versions)
        router.add_delete("/api/v1/objects/{kind}/{name}", self.delete_object)

    # -- Argo's collections --------------------------------------------------------------------------------------

    async def _list(self, collection: Collection, request: web.Request) -> web.Response:
        terms = selection.terms(request.query.get("listOptions.labelSelector", ""))
        found = await self._app.catalog.select(collection.kind, request.match_info.get("namespace") or None)
        items = [each.manifest for each in found if all(term.holds(_labels(each)) for term in terms)]
        page = {"metadata": {"resourceVersion": ""}, "items": items}
        return answers.json(selection.trimmed(page, request.query.get("fields", "")))

    async def _get(self, collection: Collection, request: web.Request) -> web.Response:
        where = request.match_info
        found = await self._app.catalog.get(collection.kind, where.get("namespace", ""), where["name"])
        return answers.json(found.manifest)

    async def _create(self, collection: Collection, request: web.Request) -> web.Response:
        asked = await answers.json_body(request)
        resource = read_object(asked.get(collection.field) or asked, collection.kind)
        namespace = request.match_info.get("namespace", "")
        try:
            stored = await self._app.catalog.put(resource, namespace=namespace, expect=0)
        except Conflict as error:
            raise Conflict(f"{collection.kind} {resource.name!r} already exists", hint="update it instead") from error
        return answers.json(stored.manifest)

    async def _update(self, collection: Collection, request: web.Request) -> web.Response:
        asked = await answers.json_body(request)
        tree = asked.get(collection.field) or asked
        revision = str((tree.get("metadata") or {}).get("resourceVersion") or "")
        resource = read_object(tree, collection.kind)
        where = request.match_info
        if resource.name != where["name"]:
            raise UserError(f"the body is of {resource.name!r}, the path of {where['name']!r}")
        await self._app.catalog.get(collection.kind, where.get("namespace", ""), where["name"])
        expect = int(revision) if revision.isdigit() else None
        stored = await self._app.catalog.put(resource, namespace=where.get("namespace", ""), expect=expect)
        return answers.json(stored.manifest)

    async def _delete(self, collection: Collection, request: web.Request) -> web.Response:
        where = request.match_info
        await self._app.catalog.delete(collection.kind, where.get("namespace", ""), where["name"])
        return answers.json({})

    async def _lint(self, collection: Collection, request: web.Request) -> web.Response:
        asked = await answers.json_body(request)
        resource = read_object(asked.get(collection.field) or asked, collection.kind)
        await check(self._app, resource)
        return answers.json(resource.manifest)

    async def _pause(self, verb: str, request: web.Request) -> web.Response:
        where = request.match_info
        stored = await self._app.catalog.get("CronWorkflow", where["namespace"], where["name"])
        spec = {**stored.spec_manifest["spec"], "suspend": verb == "suspend"}
        resource = read_object({**stored.spec_manifest, "spec": spec}, "CronWorkflow")
        found = await self._app.catalog.put(resource, namespace=where["namespace"], expect=stored.revision)
        return answers.json(found.manifest)

    # -- any kind ------------------------------------------------------------------------------------------------

    async def apply(self, request: web.Request) -> web.Response:
        """Store the objects of a YAML or JSON text, all or none; `file` names it in messages."""
        text = await answers.body(request)
        query = request.query
        resources = manifest.parse(text, query.get("file", "manifest"))
        dry_run = query.get("dryRun") == "true"
        applied = await self._app.catalog.apply(
            resources, namespace=query.get("namespace") or self._app.settings.namespace, dry_run=dry_run
        )
        return answers.json({"items": [_outcome(each, dry_run=dry_run) for each in applied]})

    async def list_kind(self, request: web.Request) -> web.Response:
        """Return all objects of a kind, of one namespace with `namespace`."""
        kind = kind_of(request.match_info["kind"])
        found = await self._app.catalog.select(kind, request.query.get("namespace") or None)
        return answers.json({"kind": f"{kind}List", "apiVersion": "v1", "items": [_shown(each) for each in found]})

    async def get_object(self, request: web.Request) -> web.Response:
        """Return an object; of a Secret only the keys."""
        return answers.json(_shown(await self._app.catalog.get(*self._named(request))))

    async def versions(self, request: web.Request) -> web.Response:
        """Return every change of an object, the newest first."""
        kind, namespace, name = self._named(request)
        found = await self._app.catalog.versions(kind, namespace, name)
        keys = ("number", "revision", "generation", "at", "action", "digest")
        return answers.json({"items": [{key: getattr(each, key) for key in keys} for each in found]})

    async def delete_object(self, request: web.Request) -> web.Response:
        """Delete an object."""
        await self._app.catalog.delete(*self._named(request))
        return answers.json({})

    def _named(self, request: web.Request) -> tuple[str, str, str]:
        namespace = request.query.get("namespace") or self._app.settings.namespace
        return kind_of(request.match_info["kind"]), namespace, request.match_info["name"]


def kind_of(word: str) -> str:
    """Return the kind that a word means: any case, plural, or Argo's short form. Raises UserError."""
    short = {"wftmpl": "WorkflowTemplate", "cwft": "ClusterWorkflowTemplate", "cronwf": "CronWorkflow"}
    short |= {"cm": "ConfigMap", "pvc": "PersistentVolumeClaim", "wfeb": "WorkflowEventBinding"}
    short |= {"es": "EventSource", "template": "WorkflowTemplate", "cron": "CronWorkflow"}
    known = {kind.lower(): kind for kind in KINDS} | short
    plain = word.lower().replace("-", "")
    found = known.get(plain) or known.get(plain.removesuffix("s"))
    if found is None:
        raise UserError(f"unknown kind {word!r}", hint=spelling.did_you_mean(word, KINDS))
    return found


def _labels(found: Object) -> dict[str, str]:
    return (found.spec_manifest.get("metadata") or {}).get("labels") or {}


def _shown(found: Object) -> dict[str, Any]:
    if found.kind not in _HIDDEN:
        return found.manifest
    keys = {*(found.manifest.get("data") or {}), *(found.manifest.get("stringData") or {})}
    kept = {key: value for key, value in found.manifest.items() if key not in ("data", "stringData")}
    return {**kept, "data": dict.fromkeys(sorted(keys), "")}


def _outcome(applied: Applied, *, dry_run: bool) -> dict[str, Any]:
    resource = applied.resource
    change = "valid" if dry_run else applied.change
    return {"kind": resource.kind, "name": resource.name, "namespace": resource.namespace, "change": change}
