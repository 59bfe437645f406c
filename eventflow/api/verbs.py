"""`PUT /api/v1/workflows/{namespace}/{name}/{verb}`: what can be done to a workflow, as Argo Server does it."""

import itertools
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import orjson
from aiohttp import web

from eventflow.api import answers, selection
from eventflow.api.parts import Parts
from eventflow.engine import queries, rerun
from eventflow.engine.core.machine import Workflow
from eventflow.engine.core.state import NodeType, Phase
from eventflow.engine.core.stimuli import (
    OutputsSupplied,
    ResumeRequested,
    Stimulus,
    StopRequested,
    SuspendRequested,
)
from eventflow.engine.service import Engine
from eventflow.errors import Conflict, UserError
from eventflow.store import workflows
from eventflow.store.workflows import Header

Make = Callable[[Mapping[str, Any], float, Workflow], Stimulus]


class Verbs:
    """The handlers of verbs."""

    def __init__(self, app: Parts) -> None:
        self._app = app
        self._numbers = itertools.count()

    def add_to(self, router: web.UrlDispatcher) -> None:
        """Add the routes."""
        for name, make in SIGNALS.items():
            router.add_put(f"/api/v1/workflows/{{namespace}}/{{name}}/{name}", partial(self._signal, make))
        router.add_put("/api/v1/workflows/{namespace}/{name}/retry", self.retry)
        router.add_put("/api/v1/workflows/{namespace}/{name}/resubmit", self.resubmit)

    async def _signal(self, make: Make, request: web.Request) -> web.Response:
        asked = await answers.json_body(request)
        header = await self._find(request)
        at = self._app.clock.now()
        await self._app.engine.signal(header, lambda workflow: make(asked, at, workflow))
        return await self._shown(header)

    async def retry(self, request: web.Request) -> web.Response:
        """Run what failed again. With `dryRun`, only tell which nodes would be."""
        asked = await answers.json_body(request)
        header = await self._find(request)
        options = rerun.Options(
            parameters=_parameters(asked),
            restart_successful=bool(asked.get("restartSuccessful")),
            select=partial(selection.fits, str(asked.get("nodeFieldSelector") or "")),
        )
        if asked.get("dryRun"):
            return answers.json(await rerun.preview(self._app.engine, header, options))
        return await self._shown(await rerun.retry(self._app.engine, header, options))

    async def resubmit(self, request: web.Request) -> web.Response:
        """Run a workflow again as a new one; `memoized` takes over what succeeded."""
        asked = await answers.json_body(request)
        header = await self._find(request)
        given = request.headers.get("Idempotency-Key")
        key = f"resubmit/{header.uid}/{given or f'{self._app.clock.now()!r}/{next(self._numbers)}'}"
        memoized = bool(asked.get("memoized"))
        made = await rerun.resubmit(self._app.engine, header, key, _parameters(asked), memoized=memoized)
        return await self._shown(made)

    async def _find(self, request: web.Request) -> Header:
        return await self._app.engine.find(request.match_info["namespace"], request.match_info["name"])

    async def _shown(self, header: Header) -> web.Response:
        return answers.json(await queries.workflow_object(self._app.engine, header))


def _stop(asked: Mapping[str, Any], at: float, workflow: Workflow) -> Stimulus:
    return StopRequested(at, "Stop", _selected(asked, workflow), str(asked.get("message") or ""))


def _terminate(asked: Mapping[str, Any], at: float, workflow: Workflow) -> Stimulus:
    del asked, workflow
    return StopRequested(at, "Terminate")


def _suspend(asked: Mapping[str, Any], at: float, workflow: Workflow) -> Stimulus:
    del asked, workflow
    return SuspendRequested(at)


def _resume(asked: Mapping[str, Any], at: float, workflow: Workflow) -> Stimulus:
    return ResumeRequested(at, _selected(asked, workflow))


def _set(asked: Mapping[str, Any], at: float, workflow: Workflow) -> Stimulus:
    """Source: Argo v4.1.2 workflow/util/util.go updateSuspendedNode."""
    if not asked.get("nodeFieldSelector"):
        raise UserError("nodeFieldSelector is needed", hint="displayName=NAME")
    nodes = _selected(asked, workflow)
    if len(nodes) != 1:
        raise Conflict(f"{len(nodes)} suspended nodes fit, and one is to be set", hint="select it by id=")
    phase = str(asked.get("phase") or "")
    if phase and phase not in (Phase.SUCCEEDED, Phase.FAILED, Phase.ERROR):
        raise UserError(f"phase {phase!r} cannot be set", hint="Succeeded, Failed or Error")
    values = asked.get("outputParameters") or {}
    try:
        parameters = orjson.loads(values) if isinstance(values, str) else values
    except orjson.JSONDecodeError as error:
        raise UserError(f"outputParameters is not JSON: {error}") from error
    if not isinstance(parameters, Mapping):
        raise UserError("outputParameters must be an object of names and values")
    texts = {str(name): str(value) for name, value in parameters.items()}
    return OutputsSupplied(at, nodes[0], texts, phase, str(asked.get("message") or ""))


def _selected(asked: Mapping[str, Any], workflow: Workflow) -> tuple[int, ...]:
    """Return the suspended nodes that the request selects; none for no selector. Raises NotFound, Conflict."""
    selector = str(asked.get("nodeFieldSelector") or "")
    if not selector:
        return ()
    found = selection.nodes(selector, workflow.nodes)
    waiting = [each for each in found if each.type is NodeType.SUSPEND and each.phase is Phase.RUNNING]
    if not waiting:
        raise Conflict(f"no node that fits {selector!r} is suspended")
    return tuple(each.ordinal for each in waiting)


SIGNALS: Mapping[str, Make] = {
    "stop": _stop,
    "terminate": _terminate,
    "suspend": _suspend,
    "resume": _resume,
    "set": _set,
}


def _parameters(asked: Mapping[str, Any]) -> dict[str, str]:
    return selection.pairs(asked.get("parameters") or ())


async def remove(engine: Engine, header: Header) -> None:
    """End a workflow at once if it is at work, then delete it."""
    if engine.live(header.seq) is not None:
        await engine.signal(header, lambda _: StopRequested(engine.clock.now(), "Terminate"))
        await engine.end_of(header)
    await engine.store.write(lambda: workflows.delete(header.uid))
