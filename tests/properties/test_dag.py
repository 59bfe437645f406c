"""Random DAGs against the reference, with crashes between any two steps and stimuli that come twice."""

import re
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from eventflow.model.pod import Pod
from tests.kit.world import Play, World
from tests.properties import reference
from tests.properties.reference import Task, Term

OUTCOMES = st.sampled_from(["Succeeded"] * 5 + ["Failed", "Error"])
RESULTS = st.sampled_from(["", "", "", "Succeeded", "Failed", "Errored", "Skipped", "Omitted"])


@st.composite
def terms(draw: st.DrawFn, earlier: list[str], depth: int = 0) -> Term:
    """A term over earlier tasks."""
    kind = draw(st.sampled_from(["name"] * (3 + depth) + ["and", "or", "not"]))
    if kind == "name" or depth > 2:
        return (draw(st.sampled_from(earlier)), draw(RESULTS))
    if kind == "not":
        return ("not", draw(terms(earlier, depth + 1)))
    return (kind, *(draw(terms(earlier, depth + 1)) for _ in range(draw(st.integers(2, 3)))))


@st.composite
def dags(draw: st.DrawFn, most: int = 30) -> list[Task]:
    """Tasks, each waiting for some before it."""
    tasks: list[Task] = []
    for number in range(draw(st.integers(1, most))):
        earlier = [task.name for task in tasks[-12:]]
        waits = bool(earlier) and draw(st.integers(0, 1)) == 1
        depends = draw(terms(earlier)) if waits else None
        items = tuple(draw(st.lists(OUTCOMES, max_size=3))) if draw(st.integers(0, 5)) == 0 else None
        limit = draw(st.integers(0, 2)) if items is None and draw(st.integers(0, 4)) == 0 else None
        tasks.append(
            Task(
                name=f"t{number}",
                depends=depends,
                outcome=draw(OUTCOMES) if limit is None else "Succeeded",
                proceeds=draw(st.integers(0, 6)) > 0,
                items=items,
                limit=limit,
                fails_first=draw(st.integers(0, 3)) if limit is not None else 0,
            )
        )
    return tasks


def spec_of(tasks: list[Task], parallelism: int | None) -> dict[str, Any]:
    """Return the workflow spec of the tasks."""
    manifests = []
    for task in tasks:
        manifest: dict[str, Any] = {"name": task.name, "template": "pod" if task.limit is None else f"r{task.limit}"}
        if task.depends is not None:
            manifest["depends"] = reference.text(task.depends)
        if not task.proceeds:
            manifest["when"] = "no == yes"
        if task.items is not None:
            manifest["withSequence"] = {"count": str(len(task.items))}
        manifests.append(manifest)
    pod = {"container": {"image": "busybox", "command": ["true"]}}
    retried = [{"name": f"r{limit}", "retryStrategy": {"limit": limit}, **pod} for limit in range(3)]
    main: dict[str, Any] = {"name": "main", "dag": {"tasks": manifests}}
    if parallelism is not None:
        main["parallelism"] = parallelism
    return {"entrypoint": "main", "templates": [main, {"name": "pod", **pod}, *retried]}


def script_of(tasks: list[Task]) -> Any:
    """Return how the tasks' pods end."""
    by_name = {task.name: task for task in tasks}

    def script(pod: Pod) -> Play:
        match = re.fullmatch(r"wf\.(t\d+)(?:\((\d+)(?::\d+)?\))?", pod.node_name)
        assert match is not None
        task, number = by_name[match[1]], int(match[2] or 0)
        if task.items is not None:
            outcome = task.items[number]
        elif task.limit is not None:
            outcome = "Failed" if number < task.fails_first else "Succeeded"
        else:
            outcome = task.outcome
        return Play(outcome, seconds=(sum(pod.node_name.encode()) % 7) + 1.0)

    return script


def phases_of(world: World, tasks: list[Task]) -> dict[str, str]:
    """Return the phase of each task's node."""
    return {task.name: str(world.node(f".{task.name}").phase) for task in tasks}


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(
    dags(),
    st.none() | st.integers(1, 3),
    st.sets(st.integers(1, 60), max_size=8),
    st.sets(st.integers(0, 60), max_size=8),
)
def test_any_dag_ends_as_the_reference_says(
    tasks: list[Task], parallelism: int | None, crashes: set[int], doubled: set[int]
) -> None:
    expected = reference.expect(tasks)
    world = World(
        spec_of(tasks, parallelism),
        script_of(tasks),
        crash=lambda step: step in crashes,
        repeat=lambda step: 2 if step in doubled else 1,
    ).run()
    assert phases_of(world, tasks) == expected.phases
    assert world.phase in expected.whole
    assert len(world.started) == len(set(world.started)), "a pod was started twice"
    assert world.finished == world.phase or crashes, "the end was not told"


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(dags(most=200))
def test_large_dags_end_as_the_reference_says(tasks: list[Task]) -> None:
    world = World(spec_of(tasks, None), script_of(tasks)).run()
    assert phases_of(world, tasks) == reference.expect(tasks).phases


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(dags(most=12))
def test_a_crash_after_every_single_step_changes_nothing(tasks: list[Task]) -> None:
    calm = World(spec_of(tasks, None), script_of(tasks)).run()
    crashed: set[int] = set()

    def crash(step: int) -> bool:
        fresh = step % 2 == 1 and step not in crashed
        crashed.add(step)
        return fresh

    stormy = World(spec_of(tasks, None), script_of(tasks), crash=crash).run()
    assert stormy.phases() == calm.phases()
    assert stormy.phase == calm.phase
