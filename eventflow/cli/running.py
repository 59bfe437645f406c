"""Running workflows in this process: load, submit, show, wait."""

import asyncio
import logging
import signal
import sys
import tempfile
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from eventflow.catalog import KINDS
from eventflow.cli.progress import Lines, Shown, Tree
from eventflow.clock import SystemClock
from eventflow.engine.core.stimuli import StopRequested
from eventflow.engine.submission import Request
from eventflow.errors import UserError
from eventflow.local import Local, open_local
from eventflow.model import manifest, manifest_files
from eventflow.model.manifest import Resource
from eventflow.runtimes.process.settings import ProcessSettings
from eventflow.store.workflows import Header
from eventflow.triggers import submission

STARTABLE = ("CronWorkflow", "WorkflowTemplate", "ClusterWorkflowTemplate")


@dataclass(frozen=True, slots=True)
class Job:
    """What to run: the objects of `named` files, with those of `extra` at hand. `logs` is where pods' lines go."""

    extra: Sequence[Resource]
    named: Sequence[Resource]
    parameters: Mapping[str, str]
    entrypoint: str | None
    namespace: str
    logs: IO[str] | None
    live: bool


def read(paths: Sequence[str]) -> list[Resource]:
    """Return the objects of files and directories; `-` is standard input. Raises ManifestError, UserError."""
    found: list[Resource] = []
    for path in paths:
        if path == "-":
            found += manifest.parse(sys.stdin.buffer.read(), "<stdin>")
        else:
            found += manifest_files.load_paths([path])
    if paths and not found:
        raise UserError(f"there is no object in {', '.join(paths)}", hint="is it the right file?")
    return found


async def perform(job: Job, data: Path | None) -> list[dict[str, Any]]:
    """Run a job's workflows to their ends and return them as Argo's Workflow objects. Raises UserError."""
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(message)s", stream=sys.stderr)
    startable(job)
    clock = SystemClock()
    with _place(data) as directory:
        settings = ProcessSettings(keep_pods=data is not None)
        async with open_local(Path(directory), clock, process=settings) as local:
            await local.load(job.extra, job.namespace)
            await local.load([each for each in job.named if each.kind in KINDS], job.namespace)
            headers: list[Header] = []
            async with _showing(job, local) as shown:
                at = int(clock.now() * 1000)
                for index, resource in enumerate(startable(job)):
                    header = await _submit(job, local, resource, f"run/{at}/{index}")
                    headers.append(header)
                    shown.add(header)
                return await _finish(local, headers, shown)


def _place(data: Path | None) -> Any:
    if data is None:
        return tempfile.TemporaryDirectory(prefix="eventflow-", ignore_cleanup_errors=True)
    return _Kept(data)


@dataclass(frozen=True, slots=True)
class _Kept:
    """A directory that stays."""

    path: Path

    def __enter__(self) -> str:
        return str(self.path)

    def __exit__(self, *exc: object) -> None:
        """Leave it."""


def startable(job: Job) -> list[Resource]:
    """Return what is to be run: the Workflows, else the one template or schedule. Raises UserError if there is none."""
    found = [each for each in job.named if each.kind == "Workflow"]
    if found:
        return found
    for kind in STARTABLE:
        of_kind = [each for each in job.named if each.kind == kind and _has_entrypoint(each, job)]
        if len(of_kind) == 1:
            return of_kind
        if of_kind:
            names = ", ".join(each.name for each in of_kind)
            raise UserError(
                f"there are several of kind {kind}: {names}",
                location=of_kind[1].locate(()),
                hint="load them --with, and give a Workflow with a workflowTemplateRef",
            )
    first = job.named[0]
    kinds = ", ".join(sorted({each.kind for each in job.named}))
    raise UserError(
        f"there is nothing to run in {first.document.file}, only {kinds}",
        location=first.locate(("kind",)),
        hint="give a Workflow, or a WorkflowTemplate with an entrypoint; `eventflow dev` serves sensors",
    )


def _has_entrypoint(resource: Resource, job: Job) -> bool:
    return resource.kind == "CronWorkflow" or bool(job.entrypoint or resource.manifest["spec"].get("entrypoint"))


async def _submit(job: Job, local: Local, resource: Resource, key: str) -> Header:
    namespace = resource.namespace or job.namespace
    made: Mapping[str, Any] = resource.manifest
    if resource.kind != "Workflow":
        made = await local.store.read(
            lambda: submission.template_manifest(resource.kind, namespace, resource.name, None)
        )
    if job.entrypoint:
        made = {**made, "spec": {**(made.get("spec") or {}), "entrypoint": job.entrypoint}}
    request = Request(made, key, namespace=namespace, parameters=job.parameters)
    try:
        return (await local.engine.submit(request)).header
    except UserError as error:
        if error.location is not None:
            raise
        place = resource.locate(("spec",))
        raise type(error)(error.message, location=place, hint=error.hint) from error


async def _finish(local: Local, headers: Sequence[Header], shown: Shown) -> list[dict[str, Any]]:
    """Wait for the ends. The first interrupt stops the workflows, the second one terminates them."""
    asked = 0
    loop = asyncio.get_running_loop()
    stopping: set[asyncio.Task[None]] = set()

    def interrupt() -> None:
        nonlocal asked
        asked += 1
        if asked > 2:
            raise KeyboardInterrupt
        strategy, then = ("Stop", "terminate") if asked == 1 else ("Terminate", "leave")
        shown.note(f"{strategy.lower()} asked for; interrupt again to {then}")
        task = loop.create_task(_stop(local, headers, strategy))
        stopping.add(task)
        task.add_done_callback(stopping.discard)

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, interrupt)
    try:
        return list(await asyncio.gather(*(local.finish(header) for header in headers)))
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)


async def _stop(local: Local, headers: Sequence[Header], strategy: str) -> None:
    at = local.engine.clock.now()
    for header in headers:
        if local.engine.live(header.seq) is not None:
            await local.engine.signal(header, lambda _: StopRequested(at, strategy))


@asynccontextmanager
async def _showing(job: Job, local: Local) -> AsyncIterator[Shown]:
    shown: Shown = Tree(local, job.logs) if job.live else Lines(local, job.logs)
    async with shown:
        yield shown
