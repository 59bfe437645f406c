# Part of the lean supervisor, which does without pathlib.
# ruff: noqa: PTH116
"""One pod that runs under the supervisor: its containers in order, its deadline, its end.

Init containers run one after the other; then sidecars and main containers together, a main container of a set once
those it depends on have succeeded; sidecars are ended when the last main container has. The pod ends when all have.
"""

import os
import re
import signal
from typing import Any, Protocol

from eventflow.runtimes.process.child import Timer
from eventflow.runtimes.process.container import EMISSARY_ERROR, Container, Place
from eventflow.runtimes.process.parking import Light, Parking

Bundle = dict[str, Any]

_TERMINATED = 128 + signal.SIGTERM
_PROGRESS = re.compile(r"^\d+/[1-9]\d*$")
_PROGRESS_READ = 4096


class Keeping(Place, Protocol):
    """What a pod needs of the supervisor."""

    parking: Parking | None

    def pod_started(self, name: str, at: float) -> None:
        """Its main containers are about to run."""

    def pod_ended(self, name: str, record: dict[str, Any]) -> None:
        """Nothing of it runs any more."""


class Execution:
    """A bundle being run: `name`, `uid`, `deadline` (epoch seconds or None), `grace` (seconds), `containers` (specs,
    see Container), `progress` (path of its progress file), `error` (what kept it from being prepared, or None),
    `light` (see parking.Light; None if everything is in place).
    """

    def __init__(self, host: Keeping, bundle: Bundle) -> None:
        self.name: str = bundle["name"]
        self.started_at = 0.0
        self.progress: str | None = None
        self._host = host
        self._bundle = bundle
        self._cause: str | None = None
        self._timers: list[Timer] = []
        self._finished = False
        self._sidecars_told = False
        self._progress_path: str | None = bundle.get("progress")
        self._progress_seen = 0
        containers = [Container(host, bundle["uid"], spec, self._advance) for spec in bundle["containers"]]
        self._containers = containers
        self._init = [one for one in containers if one.spec["kind"] == "init"]
        self._main = {one.name: one for one in containers if one.spec["kind"] == "main"}
        self._sidecars = [one for one in containers if one.spec["kind"] == "sidecar"]

    def begin(self) -> None:
        """Start what may start."""
        deadline = self._bundle.get("deadline")
        if self._bundle.get("error"):
            self._cause = "error"
            self._conclude()
            return
        if deadline is not None:
            left = deadline - self._host.clock.now()
            if left <= 0:
                self._cause = "deadline"
                self._conclude()
                return
            self._timers.append(self._host.later(left, self._deadline_passed))
        if self._bundle.get("light") is not None:
            self._begin_light(Light(self._bundle["light"]))
        else:
            self._advance()

    def stop(self, cause: str, grace: float) -> None:
        """End it: SIGTERM now, SIGKILL after `grace` seconds."""
        if self._finished:
            return
        if self._cause is None:
            self._cause = cause
            self._sidecars_told = True
            for one in self._containers:
                if one.running:
                    one.terminate()
        self._timers.append(self._host.later(max(0.0, grace), self._kill))
        self._advance()

    def read_progress(self) -> str | None:
        """Return what the pod newly reported of its progress ("N/M"), if anything."""
        if self._progress_path is None:
            return None
        try:
            changed = os.stat(self._progress_path, follow_symlinks=False).st_mtime_ns
            if changed == self._progress_seen:
                return None
            self._progress_seen = changed
            value = _last_line(self._progress_path)
        except OSError:
            return None
        if value == self.progress or not _PROGRESS.match(value):
            return None
        self.progress = value
        return value

    def _advance(self) -> None:
        """Start what has become possible; called again with every container that ends."""
        if self._finished:
            return
        if self._cause is not None:
            self._end_waiting(_TERMINATED)
        elif not self._initialized():
            return
        else:
            self._start_mains()
        if any(one.code is None for one in self._main.values()):
            return
        self._end_sidecars()
        if all(one.code is not None or not one.begun for one in self._containers):
            self._conclude()

    def _begin_light(self, light: Light) -> None:
        """Start the only container of a light pod, in a sandbox that waits if there is one."""
        (one,) = self._main.values()
        parking = self._host.parking
        if parking is None:
            raise ValueError("a light pod without a plan to park")
        parked = parking.take(light)
        fresh = parked is None and parking.make_root(light)
        self.started_at = self._host.clock.now()
        self._host.pod_started(self.name, self.started_at)
        if parked is not None:
            one.enter(parked)
        else:
            one.start(fresh)

    def _initialized(self) -> bool:
        """Run the init containers in order; False while one of them runs. A failed one keeps all others from it."""
        for one in self._init:
            if one.code == 0:
                continue
            if one.code is None and not one.begun:
                one.start()  # comes back to _advance when it ends, perhaps before this returns
                return False
            if one.code is None:
                return False
            self._conclude()
            return False
        return True

    def _start_mains(self) -> None:
        if not self.started_at:
            self.started_at = self._host.clock.now()
            self._host.pod_started(self.name, self.started_at)
            for one in self._sidecars:
                one.start()
        self._start_ready()

    def _start_ready(self) -> None:
        for one in self._main.values():
            if one.begun or self._finished:
                continue
            codes = {name: self._main[name].code for name in one.spec["depends"]}
            failed = next(((name, code) for name, code in codes.items() if code), None)
            if failed is not None:
                one.end_unstarted(EMISSARY_ERROR, f'dependency "{failed[0]}" exited with non-zero code: {failed[1]}')
            elif None not in codes.values():
                one.start()
        waiting = [one for one in self._main.values() if not one.begun]
        if waiting and not self._finished and not any(one.running for one in self._main.values()):
            waiting[0].end_unstarted(EMISSARY_ERROR, "its dependencies wait for each other")

    def _end_waiting(self, code: int) -> None:
        for one in self._main.values():
            if not one.begun and self.started_at:
                one.end_unstarted(code, "")
            elif not one.begun:
                one.code = code

    def _end_sidecars(self) -> None:
        if self._sidecars_told:
            return
        self._sidecars_told = True
        running = [one for one in self._sidecars if one.running]
        for one in running:
            one.terminate()
        if running:
            self._timers.append(self._host.later(self._bundle["grace"], self._kill))

    def _deadline_passed(self) -> None:
        self.stop("deadline", self._bundle["grace"])

    def _kill(self) -> None:
        for one in self._containers:
            if one.running:
                one.kill()

    def _conclude(self) -> None:
        self._finished = True
        for timer in self._timers:
            timer.cancel()
        self.read_progress()
        self._host.pod_ended(self.name, self._record())

    def _record(self) -> dict[str, Any]:
        kept = next((one.output() for one in self._main.values() if one.spec["keep"] and one.begun), None)
        return {
            "cause": self._cause,
            "error": self._bundle.get("error"),
            "started_at": self.started_at,
            "finished_at": self._host.clock.now(),
            "containers": [one.record() for one in self._containers],
            "result": kept,
            "progress": self.progress,
        }


def _last_line(path: str) -> str:
    handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
    try:
        size = os.fstat(handle).st_size
        data = os.pread(handle, _PROGRESS_READ, max(0, size - _PROGRESS_READ))
    finally:
        os.close(handle)
    lines = data.decode("utf-8", "replace").strip().splitlines()
    return lines[-1].strip() if lines else ""
