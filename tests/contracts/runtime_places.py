"""The places of the runtime suite: a runtime of each kind over a directory; reports, objects, artifacts to see."""

import asyncio
import shutil
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, Self

from eventflow.clock import SystemClock
from eventflow.errors import TemporaryError
from eventflow.model.pod import Pod, PodEnd, PodFinished, PodLost, PodProgressed, PodReport, PodStarted
from eventflow.runtimes.process.runtime import ProcessRuntime
from eventflow.runtimes.process.settings import ProcessSettings

KINDS = ("bwrap", "plain")

PATIENCE = 30.0


class Objects:
    """ConfigMaps and Secrets by (kind, name)."""

    def __init__(self) -> None:
        self.known: dict[tuple[str, str], Mapping[str, Any]] = {}

    def add(self, kind: str, name: str, **fields: Any) -> None:
        self.known[kind, name] = {"kind": kind, "metadata": {"name": name}, **fields}

    async def find(self, kind: str, namespace: str, name: str) -> Mapping[str, Any] | None:
        return self.known.get((kind, name))


class Copies:
    """Artifacts kept by copying: `copied: {key}` is a file or directory below `store`. Fails at times, on demand."""

    def __init__(self, store: Path) -> None:
        self.store = store
        self.failures = 0
        self.saved = 0
        self.namespaces: set[str] = set()

    def within(self, namespace: str) -> Self:
        self.namespaces.add(namespace)
        return self

    async def fetch(self, artifact: Mapping[str, Any], destination: Path) -> bool:
        self._fail()
        source = self.store / str(artifact["copied"]["key"])
        if source.is_dir():
            shutil.copytree(source, destination, symlinks=True)
        elif source.exists():
            shutil.copyfile(source, destination)
        return source.exists()

    async def save(self, artifact: Mapping[str, Any], source: Path, default: Mapping[str, Any]) -> Mapping[str, Any]:
        self._fail()
        self.saved += 1
        key = f"{default.get('copied', {}).get('key', 'out')}-{artifact['name']}"
        if source.is_dir():
            shutil.copytree(source, self.store / key, symlinks=True)
        else:
            shutil.copyfile(source, self.store / key)
        return {"name": artifact["name"], "path": artifact["path"], "copied": {"key": key}}

    def _fail(self) -> None:
        if self.failures:
            self.failures -= 1
            raise TemporaryError("the store is away", retry_after=0.01)


class Place:
    """One kind of runtime over one directory; `runtime` is the open one, and may be opened anew."""

    def __init__(self, kind: str, directory: Path) -> None:
        self.kind = kind
        self.directory = directory
        self.objects = Objects()
        (directory / "store").mkdir(parents=True)
        self.copies = Copies(directory / "store")
        self.reports: list[PodReport] = []
        self.runtime: ProcessRuntime
        self.settings = ProcessSettings(
            sandbox="bwrap" if kind == "bwrap" else "none", grace=2.0, idle=2.0, save_patience=5.0
        )
        self._changed = asyncio.Event()

    @asynccontextmanager
    async def opened(self, *, keep_pods: bool = False) -> AsyncIterator[ProcessRuntime]:
        """Open the runtime, as a server does when it starts."""
        settings = replace(self.settings, keep_pods=keep_pods)
        runtime = ProcessRuntime(
            self.directory / "data", self.observe, self.objects, self.copies, SystemClock(), settings
        )
        async with runtime:
            self.runtime = runtime
            yield runtime

    def observe(self, report: PodReport) -> None:
        self.reports.append(report)
        self._changed.set()

    def path(self, name: str) -> str:
        """An absolute path as a pod sees it."""
        return f"/{name}"

    def pod(self, name: str, template: Mapping[str, Any], **fields: Any) -> Pod:
        """A pod of a template."""
        given: dict[str, Any] = {
            "namespace": "default",
            "workflow": "wf",
            "workflow_uid": "wf-uid",
            "node_id": f"node-{name}",
            "node_name": f"wf.{name}",
            "template": {"name": "work", **template},
            "output_location": {"copied": {"key": name}},
            "capture_result": True,
        }
        return Pod(name=name, **(given | fields))

    def shell(self, name: str, script: str, *, container: Mapping[str, Any] | None = None, **rest: Any) -> Pod:
        """A pod whose main container runs a shell script. Keys of Pod go to it, all others to the template."""
        of_pod = {key: rest.pop(key) for key in list(rest) if key in Pod.__dataclass_fields__ and key != "template"}
        main = {"image": "busybox", "command": ["sh", "-c", script], **(container or {})}
        return self.pod(name, {"container": main, **rest}, **of_pod)

    async def run(self, pod: Pod) -> PodEnd:
        """Ensure a pod and wait for its end."""
        await self.runtime.ensure(pod)
        return await self.end(pod.name)

    async def end(self, name: str) -> PodEnd:
        """Wait for a pod's end."""
        report = await self.report(name, PodFinished)
        assert isinstance(report, PodFinished)
        return report.end

    async def report(self, name: str, kind: type[PodReport]) -> PodReport:
        """Wait for the first report of a kind."""
        async with asyncio.timeout(PATIENCE):
            while True:
                found = self.of(name, kind)
                if found:
                    return found[0]
                lost = self.of(name, PodLost)
                assert not lost, lost
                self._changed.clear()
                await self._changed.wait()

    async def lost(self, name: str) -> PodLost:
        """Wait until a pod is reported lost."""
        async with asyncio.timeout(PATIENCE):
            while not self.of(name, PodLost):
                self._changed.clear()
                await self._changed.wait()
        report = self.of(name, PodLost)[0]
        assert isinstance(report, PodLost)
        return report

    def of(self, name: str, kind: type[PodReport]) -> Sequence[PodReport]:
        """The reports of a kind so far."""
        return [report for report in self.reports if report.name == name and isinstance(report, kind)]

    def starts(self, name: str) -> int:
        """How many reports say that a pod started."""
        return len(self.of(name, PodStarted))

    def progress(self, name: str) -> list[str]:
        """The progress a pod was reported to make."""
        return [report.progress for report in self.of(name, PodProgressed) if isinstance(report, PodProgressed)]

    async def lines(self, name: str, *, follow: bool = False, container: str | None = None) -> list[str]:
        """The text of a pod's logs."""
        return [line.text async for line in self.runtime.logs(name, container=container, follow=follow)]
