"""Workflows of shell pods on the process runtime, with everything durable, beside a bare loop that spawns the same.

Chains, fan-outs, diamonds, and workflows of one pod; in sandboxes, and as plain processes.
"""

import asyncio
import itertools
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Literal

from eventflow.clock import SystemClock
from eventflow.local import Local, open_local
from eventflow.runtimes.process.settings import ProcessSettings
from tests.benchmarks import pods, workloads
from tests.benchmarks.figure import Figure

Mode = Literal["bwrap", "none"]
TITLES: dict[Mode, str] = {"bwrap": "sandboxed", "none": "plain"}
TARGETS: dict[tuple[Mode, str], str] = {
    ("bwrap", "chain"): ">= 250",
    ("none", "chain"): ">= 600",
    ("bwrap", "fan-out"): ">= 400",
    ("none", "fan-out"): ">= 1,000",
    ("bwrap", "diamonds"): ">= 80",
    ("none", "diamonds"): ">= 200",
    ("bwrap", "one-pod"): ">= 10,000",
}
_keys = itertools.count()


async def finish(local: Local, spec: workloads.Spec) -> None:
    """Submit a workflow and wait for its end."""
    header = await local.submit(workloads.manifest(spec), key=f"shell-{next(_keys)}")
    phase = await local.engine.end_of(header)
    assert phase == "Succeeded", phase


async def rate(local: Local, specs: list[workloads.Spec], things: float) -> float:
    """Run workflows at once; return their things (pods, workflows) a second."""
    began = time.perf_counter()
    await asyncio.gather(*(finish(local, spec) for spec in specs))
    return things / (time.perf_counter() - began)


def _shapes(local: Local, small: int) -> dict[str, Callable[[], Awaitable[float]]]:
    """Return what measures each shape, by name."""
    wide, few = small, max(1, small // 10)
    return {
        "chain": lambda: rate(local, [workloads.chain(few)], few),
        "fan-out": lambda: rate(local, [workloads.fan_out(wide)], wide),
        "diamonds": lambda: rate(local, [workloads.diamond()] * few, few),
        "one-pod": lambda: rate(local, [workloads.one_pod()] * (few * 3), few * 3 * 60),
    }


async def _measure(mode: Mode, small: int, runs: int) -> dict[str, float]:
    found: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory() as directory:
        settings = ProcessSettings(sandbox=mode, keep_pods=False)
        async with open_local(Path(directory), SystemClock(), process=settings) as local:
            await finish(local, workloads.fan_out(10))
            for number in range(runs):
                bare = await pods.commands(local.runtime, f"bare-{number}", max(2, small // 4))
                at_once, single = bare[: len(bare) // 2], bare[len(bare) // 2 :]
                found.setdefault("bare, side by side", []).append(await asyncio.to_thread(pods.bare, at_once, 8))
                found.setdefault("bare, one by one", []).append(await asyncio.to_thread(pods.bare, single, 1))
                for name, measure in _shapes(local, small).items():
                    found.setdefault(name, []).append(await measure())
    return {name: statistics.median(values) for name, values in found.items()}


def _figures(mode: Mode, found: dict[str, float]) -> list[Figure]:
    wide, single = found["bare, side by side"], found["bare, one by one"]
    rows = (
        ("chain", "pods/s", single, "bare spawns/s, one by one"),
        ("fan-out", "pods/s", wide, "bare spawns/s"),
        ("diamonds", "workflows/s", wide / 5, "bare spawns/s of 5"),
        ("one-pod", "workflows/min", wide * 60, "bare spawns/min"),
    )
    return [
        Figure(f"shell, {TITLES[mode]}: {name}", found[name], unit, floor, is_, TARGETS.get((mode, name), ""))
        for name, unit, floor, is_ in rows
    ]


def run(quick: bool) -> list[Figure]:
    """Measure the shapes in both modes."""
    small, runs = (10, 1) if quick else (1_000, 3)
    return [figure for mode in TITLES for figure in _figures(mode, asyncio.run(_measure(mode, small, runs)))]
