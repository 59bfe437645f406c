"""The pure machine: nodes a second with no store and no runtime, how that scales, and what a node weighs.

Every pod is asked for, built, and told to have started and ended, a hundred at a time at most, as a dispatcher would.
"""

import gc
import time
import tracemalloc
from collections import deque

from eventflow.engine.core.commands import StartPod
from eventflow.engine.core.definition import Definition
from eventflow.engine.core.machine import Workflow
from eventflow.engine.core.state import WorkflowState
from eventflow.engine.core.stimuli import Continued, Stimulus, Submitted
from eventflow.model.pod import PodEnd, PodFinished, PodStarted
from tests.benchmarks import workloads
from tests.benchmarks.figure import Figure, median

AT_A_TIME = 100
NOW = 1_700_000_000.0


def drive(spec: workloads.Spec) -> Workflow:
    """Run a workflow to its end; return it."""
    manifest = {"metadata": {"name": "bench", "namespace": "default"}, "spec": spec}
    workflow = Workflow(Definition(manifest, spec), WorkflowState("bench", "default", "uid", NOW))
    waiting: deque[StartPod] = deque()
    stimuli: list[Stimulus] = [Submitted(NOW)]
    while stimuli:
        decision = workflow.handle(*stimuli)
        waiting.extend(each for each in decision.commands if isinstance(each, StartPod))
        stimuli = [Continued(NOW)] if decision.more else []
        for _ in range(min(AT_A_TIME, len(waiting))):
            stimuli += _ran(workflow, waiting.popleft())
    assert workflow.state.phase == "Succeeded", workflow.state
    return workflow


def _ran(workflow: Workflow, command: StartPod) -> list[Stimulus]:
    pod = workflow.pod(command.node, NOW)
    assert pod is not None
    return [PodStarted(pod.name, NOW), PodFinished(pod.name, PodEnd("Succeeded", NOW, NOW, exit_code=0))]


def nodes_a_second(spec: workloads.Spec) -> float:
    """Run a workflow; return its nodes a second. Rubbish of earlier runs is not this one's cost."""
    gc.collect()
    began = time.perf_counter()
    return len(drive(spec).nodes) / (time.perf_counter() - began)


def bytes_a_node(count: int) -> float:
    """Return the memory that a finished fan-out holds, by node."""
    spec = workloads.fan_out(count)
    gc.collect()
    tracemalloc.start()
    try:
        workflow = drive(spec)
        gc.collect()
        return tracemalloc.get_traced_memory()[0] / len(workflow.nodes)
    finally:
        tracemalloc.stop()


def run(quick: bool) -> list[Figure]:
    """Measure the shapes, the scaling and the memory."""
    small, large = (20, 200) if quick else (1_000, 100_000)
    runs = 1 if quick else 3
    rates = {
        f"machine: fan-out {small:,}": median(lambda: nodes_a_second(workloads.fan_out(small)), runs),
        f"machine: fan-out {large:,}": median(lambda: nodes_a_second(workloads.fan_out(large)), runs),
        f"machine: chain {small:,}": median(lambda: nodes_a_second(workloads.chain(small)), runs),
        f"machine: diamonds {small:,}": median(lambda: nodes_a_second(workloads.diamonds(small)), runs),
    }
    figures = [Figure(name, rate, "nodes/s") for name, rate in rates.items()]
    flat = rates[f"machine: fan-out {small:,}"] / rates[f"machine: fan-out {large:,}"]
    figures.append(Figure(f"machine: time a node, {large:,} to {small:,}", flat, "times", target="about 1"))
    skipped = 60 if quick else 3_000
    seconds = (skipped + 1) / median(lambda: nodes_a_second(workloads.skipped_chain(skipped)), runs)
    figures.append(Figure(f"machine: chain of {skipped:,} skipped", seconds, "s", target="<= 0.3 s (Argo 45 s)"))
    weight = bytes_a_node(small * 10) / 1024
    figures.append(Figure("machine: memory a node", weight, "KiB", target="<= 10 (1 GB of 100,000)"))
    return figures
