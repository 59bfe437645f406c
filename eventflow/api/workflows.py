"""`/api/v1/workflows`: list, create, submit, lint, get and delete, as Argo Server does.

Source: Argo v4.1.2 pkg/apiclient/workflow/workflow.proto. Lists leave `status.nodes` out unless `fields` names them.
"""

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

import orjson
from aiohttp import web

from eventflow.api import answers, selection, verbs
from eventflow.api.parts import Parts
from eventflow.clock import parse_rfc3339, rfc3339
from eventflow.engine import queries
from eventflow.engine.submission import Request
from eventflow.errors import UserError
from eventflow.lint import linting
from eventflow.model import kinds, manifest
from eventflow.model.manifest import Resource
from eventflow.store import workflows
from eventflow.store.contract import Work
from eventflow.store.workflows import Header, WorkflowFilter
from eventflow.triggers import submission

PHASE_LABEL = "workflows.argoproj.io/phase"
COMPLETED_LABEL = "workflows.argoproj.io/completed"
LARGEST_PAGE = 1000
_SERVERS = ("creationTimestamp", "managedFields", "selfLink", "uid", "resourceVersion", "generation")


class Workflows:
    """The handlers of workflows."""

    def __init__(self, app: Parts) -> None:
        self._app = app
        self._numbers = itertools.count()

    def add_to(self, router: web.UrlDispatcher) -> None:
        """Add the routes."""
        base = "/api/v1/workflows/{namespace}"
        for path in ("/api/v1/workflows", "/api/v1/workflows/", base, "/api/v1/archived-workflows"):
            router.add_get(path, self.list)
        router.add_post(base, self.create)
        router.add_post(f"{base}/submit", self.submit)
        router.add_post(f"{base}/lint", self.lint)
        router.add_get(f"{base}/{{name}}", self.get)
        router.add_delete(f"{base}/{{name}}", self.delete)

    # -- asking --------------------------------------------------------------------------------------------------

    async def list(self, request: web.Request) -> web.Response:
        """Return a page of workflows, the newest first; `metadata.continue` leads to the next one."""
        query = request.query
        terms = selection.terms(query.get("listOptions.labelSelector", ""))
        wanted, rest = _filter(request.match_info.get("namespace", ""), query, terms)
        limit = _number(query, "listOptions.limit", 100)
        before = _number(query, "listOptions.continue", 0) or None
        found = await self._page(wanted, rest, _fields(query), limit, before)
        more = str(found[-1].seq) if len(found) == limit else ""
        objects = await self._app.store.read(lambda: _objects(found))
        if "nodes" in query.get("fields", ""):
            objects = [await queries.workflow_object(self._app.engine, header) for header in found]
        page = {"metadata": {"continue": more, "resourceVersion": ""}, "items": objects}
        return answers.json(selection.trimmed(page, query.get("fields", "")))

    async def _page(
        self,
        wanted: WorkflowFilter,
        rest: Sequence[selection.Term],
        fields: Sequence[selection.Term],
        limit: int,
        before: int | None,
    ) -> Sequence[Header]:
        found: list[Header] = []
        while len(found) < limit:
            at = before
            page = await self._app.store.read(lambda at=at: workflows.page(wanted, limit=limit, before=at))  # type: ignore[misc]
            found += [each for each in page if _fits(each, rest, fields)]
            if len(page) < limit:
                break
            before = page[-1].seq
        return found[:limit]

    async def get(self, request: web.Request) -> web.Response:
        """Return a workflow; its name may also be its uid or `@latest`."""
        found = await queries.workflow_object(self._app.engine, await self.header(request))
        return answers.json(selection.trimmed(found, request.query.get("fields", "")))

    async def header(self, request: web.Request) -> Header:
        """Return the header of the workflow that a path names. Raises NotFound."""
        return await self._app.engine.find(request.match_info["namespace"], request.match_info["name"])

    # -- making --------------------------------------------------------------------------------------------------

    async def create(self, request: web.Request) -> web.Response:
        """Submit a workflow that is in the body."""
        asked = await answers.json_body(request)
        resource = self._read(asked.get("workflow") or asked)
        manifest_ = dict(resource.manifest)
        if asked.get("serverDryRun"):
            return answers.json(manifest_)
        return await self._submit(request, Request(manifest_, self._key(request), _namespace(request)))

    async def submit(self, request: web.Request) -> web.Response:
        """Submit a workflow made of a template or schedule (`argo submit --from`)."""
        asked = await answers.json_body(request)
        kind = _kind(str(asked.get("resourceKind", "")))
        name, namespace = str(asked.get("resourceName", "")), _namespace(request)
        made = await self._app.store.read(lambda: submission.template_manifest(kind, namespace, name, None))
        options = asked.get("submitOptions") or {}
        wanted = _with_options(made, options)
        if options.get("dryRun") or options.get("serverDryRun"):
            return answers.json(wanted.manifest)
        request_ = Request(
            wanted.manifest,
            self._key(request),
            namespace,
            parameters=wanted.parameters,
            labels=wanted.labels,
            annotations=wanted.annotations,
            priority=options.get("priority"),
        )
        return await self._submit(request, request_)

    async def _submit(self, request: web.Request, asked: Request) -> web.Response:
        creation = await self._app.engine.submit(asked)
        found = await queries.workflow_object(self._app.engine, creation.header)
        return answers.json(selection.trimmed(found, request.query.get("fields", "")))

    async def lint(self, request: web.Request) -> web.Response:
        """Check a workflow against the stored templates; return it, or the first errors."""
        asked = await answers.json_body(request)
        resource = self._read(asked.get("workflow") or asked)
        await check(self._app, resource)
        return answers.json(resource.manifest)

    def _read(self, tree: Mapping[str, Any]) -> Resource:
        return read_object(tree, "Workflow")

    def _key(self, request: web.Request) -> str:
        """Return the client's idempotency key, or one that no other request has."""
        given = request.headers.get("Idempotency-Key")
        return f"client/{given}" if given else f"api/{self._app.clock.now()!r}/{next(self._numbers)}"

    async def delete(self, request: web.Request) -> web.Response:
        """End a workflow if it runs, and delete it."""
        header = await self.header(request)
        await verbs.remove(self._app.engine, header)
        return answers.json({})


def read_object(tree: Mapping[str, Any], kind: str) -> Resource:
    """Return a resource that came as JSON. Raises ManifestError for what is wrong in it."""
    cleaned = _without_nulls(dict(tree))
    cleaned.setdefault("apiVersion", kinds.API_VERSIONS.get(kind, kinds.ARGO))
    cleaned.setdefault("kind", kind)
    if cleaned["kind"] != kind:
        raise UserError(f"a {kind} is expected, not a {cleaned['kind']}")
    cleaned.pop("status", None)
    metadata = cleaned.get("metadata")
    if isinstance(metadata, dict):
        for key in _SERVERS:
            metadata.pop(key, None)
    found = manifest.parse(orjson.dumps(cleaned, option=orjson.OPT_INDENT_2), kind)
    return found[0]


def _without_nulls(tree: Any) -> Any:
    if isinstance(tree, dict):
        return {key: _without_nulls(value) for key, value in tree.items() if value is not None}
    return [_without_nulls(each) for each in tree] if isinstance(tree, list) else tree


async def check(app: Parts, resource: Resource) -> None:
    """Lint a resource together with the stored templates. Raises UserError with its errors."""
    stored: list[Resource] = []
    for kind in ("WorkflowTemplate", "ClusterWorkflowTemplate"):
        others = [each for each in await app.catalog.select(kind) if each.name != resource.name]
        stored.extend(read_object(each.manifest, kind) for each in others)
    found = [each for each in linting.lint([resource, *stored]) if each.location.file == resource.document.file]
    errors = [each for each in found if each.severity == "error"]
    if errors:
        first = errors[0]
        raise UserError("; ".join(each.message for each in errors), location=first.location, hint=first.hint)


class _Wanted:
    """A manifest with what `submitOptions` adds to it."""

    def __init__(self, manifest_: dict[str, Any]) -> None:
        self.manifest = manifest_
        self.parameters: dict[str, str] = {}
        self.labels: dict[str, str] = {}
        self.annotations: dict[str, str] = {}


def _with_options(made: Mapping[str, Any], options: Mapping[str, Any]) -> _Wanted:
    """Apply Argo's SubmitOpts. Raises UserError."""
    metadata = dict(made.get("metadata") or {})
    if options.get("name"):
        metadata = {**metadata, "name": options["name"]}
        metadata.pop("generateName", None)
    if options.get("generateName"):
        metadata["generateName"] = options["generateName"]
    spec = dict(made.get("spec") or {})
    for option, field in (("entryPoint", "entrypoint"), ("serviceAccount", "serviceAccountName")):
        if options.get(option):
            spec[field] = options[option]
    wanted = _Wanted({**made, "apiVersion": kinds.ARGO, "kind": "Workflow", "metadata": metadata, "spec": spec})
    wanted.parameters = selection.pairs(options.get("parameters") or ())
    wanted.labels = selection.pairs(str(options.get("labels") or "").split(","))
    wanted.annotations = selection.pairs(str(options.get("annotations") or "").split(","))
    return wanted


def _kind(word: str) -> str:
    known = {
        "workflowtemplate": "WorkflowTemplate",
        "workflowtemplates": "WorkflowTemplate",
        "wftmpl": "WorkflowTemplate",
    }
    known |= {"clusterworkflowtemplate": "ClusterWorkflowTemplate", "cwft": "ClusterWorkflowTemplate"}
    known |= {"cronworkflow": "CronWorkflow", "cronworkflows": "CronWorkflow", "cronwf": "CronWorkflow"}
    found = known.get(word.lower().replace("-", ""))
    if found is None:
        raise UserError(
            f"resource kind {word!r} is not supported", hint="workflowtemplate, clusterworkflowtemplate, cronwf"
        )
    return found


def _namespace(request: web.Request) -> str:
    return request.match_info["namespace"]


def _number(query: Mapping[str, str], name: str, default: int) -> int:
    text = query.get(name) or ""
    if not text:
        return default
    if not text.isdigit():
        raise UserError(f"{name} must be a number, not {text!r}")
    return min(int(text), LARGEST_PAGE) if name.endswith("limit") and int(text) else int(text) or default


def _filter(
    namespace: str, query: Mapping[str, str], terms: Sequence[selection.Term]
) -> tuple[WorkflowFilter, Sequence[selection.Term]]:
    """Return what the store filters by, and the label terms that are left for us."""
    labels: dict[str, str] = {}
    phases: tuple[str, ...] = ()
    rest: list[selection.Term] = []
    for term in terms:
        if term.key == PHASE_LABEL and term.operator == "in":
            phases = term.values
        elif term.operator == "in" and len(term.values) == 1 and term.key != COMPLETED_LABEL:
            labels[term.key] = term.values[0]
        else:
            rest.append(term)
    after = query.get("createdAfter")
    try:
        created = parse_rfc3339(after) if after else None
    except ValueError:
        raise UserError(f"createdAfter {after!r} is no RFC 3339 time", hint="2026-11-22T20:00:00Z") from None
    prefix = query.get("listOptions.namePrefix") or query.get("namePrefix") or ""
    wanted = WorkflowFilter(namespace or None, phases, labels, prefix, created_after=created)
    return wanted, rest


def _fields(query: Mapping[str, str]) -> list[selection.Term]:
    return selection.terms(query.get("listOptions.fieldSelector", ""))


def _fits(header: Header, labels: Sequence[selection.Term], fields: Sequence[selection.Term]) -> bool:
    have = {PHASE_LABEL: header.phase, COMPLETED_LABEL: str(header.finished_at is not None).lower(), **header.labels}
    known = {"metadata.name": header.name, "metadata.namespace": header.namespace, "metadata.uid": header.uid}
    known["status.phase"] = header.phase
    return all(term.holds(have) for term in labels) and all(term.holds(known) for term in fields)


def _objects(found: Sequence[Header]) -> Work[Sequence[dict[str, Any]]]:
    """Return headers as Workflow objects without nodes."""
    objects: list[dict[str, Any]] = []
    for header in found:
        bodies = yield from workflows.bodies(header.seq)
        if bodies is not None:
            objects.append(_object(header, orjson.loads(bodies.manifest)))
    return objects


def _object(header: Header, manifest_: Mapping[str, Any]) -> dict[str, Any]:
    status: dict[str, Any] = {"phase": header.phase, "progress": header.progress or f"0/{header.node_count}"}
    status["startedAt"] = rfc3339(header.started_at) if header.started_at else None
    status["finishedAt"] = rfc3339(header.finished_at) if header.finished_at else None
    if header.message:
        status["message"] = header.message
    metadata = {
        **(manifest_.get("metadata") or {}),
        "name": header.name,
        "namespace": header.namespace,
        "uid": header.uid,
        "creationTimestamp": rfc3339(header.created_at),
        "labels": dict(header.labels),
    }
    head = {"apiVersion": kinds.ARGO, "kind": "Workflow", "metadata": metadata}
    return {**head, "spec": manifest_.get("spec") or {}, "status": status}
