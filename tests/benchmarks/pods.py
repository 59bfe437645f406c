"""How many pods a second the process runtime starts, ends and reports, beside a bare loop that spawns the same.

    python -m tests.benchmarks.pods [count]

Each figure is the median of three runs. `bare` spawns the same command lines with posix_spawn and waits for them, some
at a time, and does nothing else: the floor of this machine at this moment.
"""

import asyncio
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any, Literal, Self

from eventflow.clock import SystemClock
from eventflow.model.pod import Pod, PodFinished, PodLost, PodReport
from eventflow.runtimes.process import bundle, inputs, staging
from eventflow.runtimes.process.runtime import ProcessRuntime
from eventflow.runtimes.process.settings import ProcessSettings
from tests.benchmarks.figure import Figure

Mode = Literal["bwrap", "none"]

_MODES: tuple[tuple[str, Mode], ...] = (("sandboxed", "bwrap"), ("plain", "none"))
_RUNS = 3
_AT_A_TIME = 8


class _Nothing:
    """No objects and no artifacts: the pods here need none."""

    async def find(self, kind: str, namespace: str, name: str) -> Mapping[str, Any] | None:
        return None

    def within(self, namespace: str) -> Self:
        return self

    async def fetch(self, artifact: Mapping[str, Any], destination: Path) -> bool:
        return False

    async def save(self, artifact: Mapping[str, Any], source: Path, default: Mapping[str, Any]) -> Mapping[str, Any]:
        return dict(artifact)


class _Runs:
    """Starts pods and waits for the reports of their ends."""

    def __init__(self) -> None:
        self.ends: dict[str, asyncio.Future[None]] = {}

    def observe(self, report: PodReport) -> None:
        if isinstance(report, PodFinished):
            assert report.end.outcome == "Succeeded", report
            self.ends.pop(report.name).set_result(None)
        elif isinstance(report, PodLost):
            self.ends.pop(report.name).set_exception(RuntimeError(report.reason))

    async def run(self, runtime: ProcessRuntime, name: str) -> None:
        end = self.ends[name] = asyncio.get_running_loop().create_future()
        await runtime.ensure(_pod(name))
        await end
        await runtime.forget(name)


def _pod(name: str) -> Pod:
    template = {"name": "work", "container": {"image": "debian", "command": ["sh", "-c", "true"]}}
    return Pod(name, "default", "bench", "bench-uid", name, name, template)


async def _fan_out(runtime: ProcessRuntime, runs: _Runs, prefix: str, count: int) -> float:
    began = time.perf_counter()
    await asyncio.gather(*(runs.run(runtime, f"{prefix}-{number}") for number in range(count)))
    return count / (time.perf_counter() - began)


async def _chain(runtime: ProcessRuntime, runs: _Runs, prefix: str, count: int) -> float:
    began = time.perf_counter()
    for number in range(count):
        await runs.run(runtime, f"{prefix}-{number}")
    return count / (time.perf_counter() - began)


async def commands(runtime: ProcessRuntime, prefix: str, count: int) -> list[bundle.Bundle]:
    """Return the very containers that the runtime would run, their directories made."""
    ground = runtime.ground
    nothing = _Nothing()
    patience = inputs.Patience(1.0, SystemClock())
    pods = [_pod(f"{prefix}-{number}") for number in range(count)]
    staged = [await staging.stage(pod, ground, nothing, nothing, patience) for pod in pods]
    for one in staged:
        one.root(one.main).mkdir(parents=True, exist_ok=True)
    return [bundle.build(one, ground)["containers"][0] for one in staged]


def bare(containers: list[bundle.Bundle], at_a_time: int) -> float:
    """Spawn containers and wait for them, so many at a time; return how many a second."""
    null = os.open("/dev/null", os.O_RDWR)
    actions = [(os.POSIX_SPAWN_DUP2, null, number) for number in range(3)]
    began, running = time.perf_counter(), 0
    for one in containers:
        program = one["argv"][0] if "/" in one["argv"][0] else f"/bin/{one['argv'][0]}"
        os.posix_spawn(program, one["argv"], one["env"], file_actions=actions, setsid=True)
        running += 1
        if running >= at_a_time:
            os.wait()
            running -= 1
    while running:
        os.wait()
        running -= 1
    os.close(null)
    return len(containers) / (time.perf_counter() - began)


async def _measure(mode: Mode, count: int, times: int = _RUNS) -> dict[str, float]:
    runs = _Runs()
    figures: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory() as directory:
        settings = ProcessSettings(sandbox=mode, keep_pods=False)
        nothing = _Nothing()
        async with ProcessRuntime(Path(directory), runs.observe, nothing, nothing, SystemClock(), settings) as runtime:
            await _fan_out(runtime, runs, "warm", 20)
            for number in range(times):
                wide = await commands(runtime, f"wide-{number}", count)
                long = await commands(runtime, f"long-{number}", count // 2)
                work: tuple[tuple[str, Callable[[], Awaitable[float]]], ...] = (
                    ("bare, fan-out", lambda: asyncio.to_thread(bare, wide, _AT_A_TIME)),  # noqa: B023
                    ("bare, chain", lambda: asyncio.to_thread(bare, long, 1)),  # noqa: B023
                    ("runtime, fan-out", lambda: _fan_out(runtime, runs, f"fan-{number}", count)),  # noqa: B023
                    ("runtime, chain", lambda: _chain(runtime, runs, f"chain-{number}", count // 2)),  # noqa: B023
                )
                for name, run in work:
                    figures.setdefault(name, []).append(await run())
    return {name: statistics.median(values) for name, values in figures.items()}


def run(quick: bool) -> list[Figure]:
    """Measure the runtime alone, with neither engine nor store above it."""
    count, times = (8, 1) if quick else (400, _RUNS)
    measured = [(title, asyncio.run(_measure(mode, count, times))) for title, mode in _MODES]
    return [
        Figure(
            f"pods, {title}: {shape}", found[f"runtime, {shape}"], "pods/s", found[f"bare, {shape}"], "bare spawns/s"
        )
        for title, found in measured
        for shape in ("chain", "fan-out")
    ]


def main() -> None:
    """Print the figures."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 500
    for title, mode in _MODES:
        figures = asyncio.run(_measure(mode, count))
        for shape in ("fan-out", "chain"):
            bare, ours = figures[f"bare, {shape}"], figures[f"runtime, {shape}"]
            print(f"{title:10} {shape:8} {ours:7.0f} pods/s, bare {bare:7.0f}/s, ratio {ours / bare:.2f}")


if __name__ == "__main__":
    main()
