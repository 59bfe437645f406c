# Paths inside pods are texts, and these are the hot paths of starting one.
# ruff: noqa: PTH208
"""The process runtime: pods are sandboxed processes of this machine.

What it promises beyond the contract: pods go on when the server dies (kill -9), and their ends are waiting for the next
one; when the supervisor dies its pods die too, and are reported lost unless their end was recorded. A claim is durable
before the first process of a pod exists, so however often and whenever anything crashes, a pod starts at most once.
Collected outputs are durable before they are reported; an upload that fails for the moment is tried again, main is not.
"""

import asyncio
import logging
import os
import socket
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

from eventflow.clock import Clock
from eventflow.errors import EventflowError, TemporaryError
from eventflow.model.pod import Pod, PodEnd, PodFinished, PodLost, PodProgressed, PodReport, PodStarted
from eventflow.runtimes import logs
from eventflow.runtimes.contract import ArtifactTransfer, LogLine, Objects, Observer
from eventflow.runtimes.process import (
    bundle,
    collect,
    doctor,
    inputs,
    light,
    plain,
    readiness,
    records,
    staging,
    toolbox,
    volumes,
)
from eventflow.runtimes.process.connection import Connection
from eventflow.runtimes.process.held import Held
from eventflow.runtimes.process.images import Images
from eventflow.runtimes.process.layout import Layout, checked_pod
from eventflow.runtimes.process.settings import ProcessSettings
from eventflow.runtimes.process.staged import Ground, Staged
from eventflow.runtimes.process.trash import Trash

log = logging.getLogger(__name__)

_LOOPBACK = "127.0.0.1"
_END_SECONDS = 10.0
_LOST = "its supervisor ended, and with it the pod"


class ProcessRuntime:
    """Runs pods below a data directory; at most one server at a time may open it."""

    def __init__(
        self,
        data_dir: Path,
        observer: Observer,
        objects: Objects,
        transfer: ArtifactTransfer,
        clock: Clock,
        settings: ProcessSettings | None = None,
    ) -> None:
        self.settings = settings or ProcessSettings()
        self.checks: tuple[doctor.Check, ...] = ()
        self._observer = observer
        self._objects = objects
        self._transfer = transfer
        self._clock = clock
        self._places = Layout(data_dir.absolute())
        self._fetching = inputs.Patience(self.settings.fetch_patience, clock)
        self._saving = inputs.Patience(self.settings.save_patience, clock)
        self._held: dict[str, Held] = {}
        self._seen: set[str] = set()
        self._connection = Connection(self._places.runtime, self.settings.idle, clock, self._told, self._cut)
        self._slots = asyncio.Semaphore(self.settings.max_pods)
        self._transfers = asyncio.Semaphore(self.settings.transfers)
        self._trash = Trash(self._places.trash, self._places.spare)
        self._ground: Ground | None = None

    @property
    def sandboxed(self) -> bool:
        """Whether pods run in a sandbox. Known once the runtime is open; `checks` says why not."""
        return self._ground is not None and self._ground.bubblewrap is not None

    @property
    def ground(self) -> Ground:
        """What pods are prepared on. Known once the runtime is open."""
        assert self._ground is not None
        return self._ground

    async def __aenter__(self) -> "ProcessRuntime":
        self._ground = await asyncio.to_thread(self._prepare_ground)
        bubblewrap = self._ground.bubblewrap
        self._trash.open(light.skeleton(bubblewrap) if bubblewrap is not None else None)
        await self._connection.open(light.plan(self._ground))
        await asyncio.to_thread(self._discard_unclaimed)
        return self

    async def __aexit__(self, *exc: object) -> None:
        tasks = [task for held in self._held.values() for task in held.tasks()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._connection.close(None if self.settings.keep_pods else min(self.settings.grace, _END_SECONDS))
        await self._trash.close()

    async def ensure(self, pod: Pod) -> None:
        """Start the pod unless it was ever started. Returns once its claim is durable.

        That takes as long as its input artifacts take to arrive, and, with `max_pods` running, until one of them ends:
        call for several pods side by side.
        """
        held = self._held.get(pod.name)
        if held is None:
            await self._ensure_new(pod)
        elif held.ensuring is not None:
            await asyncio.shield(held.ensuring)
        else:
            self._report_again(pod.name, held)

    async def stop(self, name: str, *, grace: float) -> None:
        """End a pod: SIGTERM, after `grace` seconds SIGKILL. One that did not start is claimed, and has ended."""
        checked_pod(name)
        held = self._held.get(name)
        if held is not None and held.claim is None:
            held.stop_asked = True
            if held.staging is not None:
                held.staging.cancel()
        self._connection.send({"op": "stop", "name": name, "grace": grace})

    async def forget(self, name: str) -> None:
        """Drop what is kept of a pod that has ended, except its logs."""
        held = self._held.get(name)
        if held is None or held.final is None:
            return
        self._connection.send({"op": "forget", "name": name})
        del self._held[name]
        self._trash.take(self._places.pod(name))

    async def logs(self, name: str, *, container: str | None = None, follow: bool = False) -> AsyncIterator[LogLine]:
        """Yield the lines a pod's containers wrote, of all containers in the order of their times."""
        directory = await asyncio.to_thread(self._find_logs, checked_pod(name))

        def running() -> bool:
            held = self._held.get(name)
            return follow and held is not None and held.final is None

        async for line in logs.read(directory, container, running):
            yield line

    async def drop_claim(self, namespace: str, name: str) -> None:
        """Remove the directory of a persistent volume claim."""
        await asyncio.to_thread(volumes.drop_claim, self._places.claims, namespace, name)

    # Starting.

    async def _ensure_new(self, pod: Pod) -> None:
        held = self._held[pod.name] = Held()
        held.log_uid = pod.workflow_uid
        held.ensuring = asyncio.get_running_loop().create_future()
        try:
            await self._slots.acquire()
            held.slot = True
            await self._claim(pod, held)
        except BaseException as error:
            self._free(held)
            if self._held.get(pod.name) is held and held.claim is None:
                del self._held[pod.name]
            if isinstance(error, EventflowError):
                held.ensuring.set_exception(error)
                held.ensuring.exception()  # nobody else needs to wait for it
            else:
                held.ensuring.cancel()
            raise
        finally:
            ensuring, held.ensuring = held.ensuring, None
        ensuring.set_result(None)

    async def _claim(self, pod: Pod, held: Held) -> None:
        """Prepare the pod and have the supervisor claim it."""
        prepared = await self._prepare(pod, held)
        held.verdict = asyncio.get_running_loop().create_future()
        if held.stop_asked or prepared is None:
            self._connection.send({"op": "stop", "name": pod.name, "grace": 0})
        else:
            held.offered = {"uid": prepared["uid"], "collect": prepared["collect"]}
            self._connection.send({"op": "start", "bundle": prepared})
        await held.verdict

    async def _prepare(self, pod: Pod, held: Held) -> bundle.Bundle | None:
        """Return the pod's bundle; None if it was stopped meanwhile."""
        try:
            staged = await self._stage(pod, held)
        except inputs.StagingFailed as error:
            return bundle.failed(pod.name, self.ground.uid(pod), str(error), {"capture": False})
        except asyncio.CancelledError:
            if held.stop_asked:
                return None
            raise
        except OSError as error:
            raise TemporaryError(f"this machine cannot prepare the pod: {error}", retry_after=5.0) from error
        finally:
            held.staging = None
        return bundle.build(staged, self.ground)

    async def _stage(self, pod: Pod, held: Held) -> Staged:
        if not (pod.template.get("inputs") or {}).get("artifacts"):
            return await staging.stage(pod, self.ground, self._objects, self._transfer, self._fetching)
        async with self._transfers:
            if held.stop_asked:
                raise asyncio.CancelledError
            work = staging.stage(pod, self.ground, self._objects, self._transfer, self._fetching)
            held.staging = task = asyncio.create_task(work, name=f"staging of {pod.name}")
            return await task

    # What the supervisor tells.

    def _told(self, message: Mapping[str, Any]) -> None:
        event, name = message["event"], message.get("name", "")
        held = self._held.get(name)
        if event == "pod":
            self._on_pod(name, message)
        elif event == "synced":
            self._on_synced()
        elif held is None:
            return
        elif event == "claimed":
            held.claimed(held.offered)
        elif event == "started":
            self._on_started(name, held, message["at"])
        elif event == "progress":
            self._observer(PodProgressed(name, message["at"], message["value"]))
        elif event == "kept" and held.kept is not None and not held.kept.done():
            held.kept.set_result(None)
        elif event == "refused":
            held.refused(message["reason"])

    def _on_pod(self, name: str, message: Mapping[str, Any]) -> None:
        held = self._held.get(name)
        if held is None:
            held = self._held[name] = Held()
        self._seen.add(name)
        held.claimed(message["claim"])
        if message["end"] is not None:
            self._on_end(name, held, message["end"], message["result"])
        elif message["started"]:
            self._on_started(name, held, message["started"])

    def _on_synced(self) -> None:
        """A pod that this server knows and a new supervisor does not: its ledger was removed."""
        for name, held in self._held.items():
            if held.claim is not None and held.final is None and name not in self._seen:
                self._finish(held, PodLost(name, self._clock.now(), "the supervisor's ledger does not know it"))
        self._seen.clear()

    def _cut(self) -> None:
        for held in self._held.values():
            held.cut()

    def _on_started(self, name: str, held: Held, at: float) -> None:
        held.started_at = at
        probes = held.plan.get("ready")
        if probes and not held.started_told and held.daemon_ready is None:
            held.daemon_ready = asyncio.create_task(self._await_ready(name, held, probes), name=f"readiness of {name}")
        elif not probes and not held.started_told:
            self._tell_started(name, held)

    def _on_end(self, name: str, held: Held, record: dict[str, Any], result: dict[str, Any] | None) -> None:
        if held.daemon_ready is not None:
            held.daemon_ready.cancel()
        if held.final is not None or held.collecting is not None:
            return
        if record.get("cause") == "lost":
            self._finish(held, PodLost(name, record["finished_at"], _LOST))
        elif result is not None:
            self._finish(held, PodFinished(name, records.decode(result)))
        elif not collect.has_outputs(held.plan):
            self._finish(held, PodFinished(name, collect.without_outputs(held.plan, record)))
        else:
            held.collecting = asyncio.create_task(self._collect(name, held, record), name=f"outputs of {name}")

    async def _collect(self, name: str, held: Held, record: dict[str, Any]) -> None:
        async with self._transfers:
            end = await collect.with_outputs(
                held.plan, record, self.ground.trees, self._transfer, self._saving, self._places
            )
        await self._keep(name, held, end)
        held.collecting = None
        self._finish(held, PodFinished(name, end))

    async def _keep(self, name: str, held: Held, end: PodEnd) -> None:
        """Have the supervisor write the end down; with the next one if this one is gone meanwhile."""
        while True:
            await self._connection.ready.wait()
            held.kept = asyncio.get_running_loop().create_future()
            try:
                self._connection.send({"op": "result", "name": name, "end": records.encode(end)})
                await held.kept
            except TemporaryError:
                continue
            return

    async def _await_ready(self, name: str, held: Held, probes: list[dict[str, Any]]) -> None:
        waiting = (readiness.until_ready(one["probe"], one, _execution(one)) for one in probes)
        await asyncio.gather(*waiting)
        held.daemon_ready = None
        self._tell_started(name, held)

    # Reports.

    def _tell_started(self, name: str, held: Held) -> None:
        held.started_told = True
        at = held.started_at or self._clock.now()
        self._observer(PodStarted(name, at, held.uid, _LOOPBACK, self.ground.host))

    def _finish(self, held: Held, report: PodFinished | PodLost) -> None:
        held.final = report
        self._free(held)
        self._observer(report)

    def _report_again(self, name: str, held: Held) -> None:
        report: PodReport | None = held.final
        if report is not None:
            self._observer(report)
        elif held.started_told:
            self._tell_started(name, held)

    def _free(self, held: Held) -> None:
        if held.slot:
            held.slot = False
            self._slots.release()

    # The machine.

    def _prepare_ground(self) -> Ground:
        places = self._places
        for directory in (places.runtime, places.pods, places.claims, places.logs, places.spare, places.trash):
            directory.mkdir(parents=True, exist_ok=True)
        places.runtime.chmod(0o700)
        places.pods.chmod(0o700)
        tools = toolbox.build(places.tools, self.settings.python)
        findings = doctor.probe(self.settings, tools)
        self.checks = findings.checks
        if findings.bubblewrap is None:
            plain.check_place(str(places.pods))
            log.warning("%s", doctor.PLAIN, extra={"hint": doctor.install_hint()})
        images = Images(self.settings.images)
        return Ground(self.settings, places, findings.bubblewrap, tools, images, socket.gethostname())

    def _discard_unclaimed(self) -> None:
        """Remove directories of pods that were being prepared when a server died. Blocking."""
        for name in os.listdir(self._places.pods):
            if name not in self._held:
                self._trash.take(self._places.pods / name)

    def _find_logs(self, name: str) -> Path:
        held = self._held.get(name)
        if held is not None and held.log_uid is not None:
            return self._places.pod_logs(held.log_uid, name)
        for uid in sorted(os.listdir(self._places.logs), reverse=True):
            directory = self._places.logs / uid / name
            if directory.is_dir():
                return directory
        return self._places.logs / "_" / name


def _execution(one: Mapping[str, Any]) -> readiness.Execute:
    """Return what runs an exec probe: its command line is part of the plan, sandbox and all."""

    async def execute() -> bool:
        process = await asyncio.create_subprocess_exec(
            *one["argv"],
            env=one["env"],
            cwd=one.get("cwd"),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )
        try:
            return await process.wait() == 0
        except asyncio.CancelledError:
            process.kill()
            await process.wait()
            raise

    return execute
