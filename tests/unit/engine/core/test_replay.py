"""A retry keeps what succeeded and runs anew what failed, whatever the shape of the workflow."""

import json
from collections.abc import Mapping
from typing import Any

import pytest

from eventflow.engine.core import invariants, present, replay
from eventflow.engine.core.machine import Workflow
from eventflow.engine.core.state import Node, Phase, WorkflowState
from eventflow.errors import Conflict
from eventflow.model.pod import Pod
from tests.kit.world import Play, World

LEAF = {"container": {"image": "alpine", "command": ["true"]}}


def leaf(name: str, **more: Any) -> dict[str, Any]:
    return {"name": name, **LEAF, **more}


def spec(*templates: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    return {"entrypoint": "main", "templates": [*templates, leaf("ok"), leaf("bad")], **more}


def dag(*tasks: Mapping[str, Any], name: str = "main") -> dict[str, Any]:
    return {"name": name, "dag": {"failFast": False, "tasks": list(tasks)}}


def steps(*groups: list[Mapping[str, Any]], name: str = "main") -> dict[str, Any]:
    return {"name": name, "steps": [list(group) for group in groups]}


def call(name: str, template: str = "ok", **more: Any) -> dict[str, Any]:
    return {"name": name, "template": template, **more}


def failing(pod: Pod) -> Play:
    return Play(outcome="Failed", exit_code=1) if pod.template["name"] == "bad" else Play()


def run_once(given: Mapping[str, Any]) -> World:
    world = World(given, failing).run()
    assert world.phase == Phase.FAILED
    world.script = lambda pod: Play()
    return world


def rerun(world: World, again: set[str] = frozenset()) -> list[str]:  # type: ignore[assignment]
    """Retry as the engine does, through what is stored; return the names of the nodes whose pods start."""
    nodes = [Node.from_json(node.ordinal, json.loads(json.dumps(node.to_json()))) for node in world.workflow.nodes]
    present.link(nodes)
    chosen = {node.ordinal for node in nodes if node.name[2:] in again}
    plan = replay.plan(world.definition, nodes, chosen)
    kept = replay.applied(plan, nodes, world.now)
    assert [node.ordinal for node in kept] == list(range(len(kept)))
    assert all(parent < node.ordinal for node in kept for parent in node.parents)
    state = WorkflowState.from_json(json.loads(json.dumps(world.workflow.state.to_json())))
    replay.reopen(state, world.definition, world.now)
    stored = [Node.from_json(node.ordinal, json.loads(json.dumps(node.to_json()))) for node in kept]
    world._stored = {node.ordinal: json.dumps(node.to_json()) for node in stored}
    world._stored_state = json.dumps(state.to_json())
    world.started.clear()
    world.workflow = Workflow(world.definition, state, stored)
    world._step(world.workflow.restore(world.now))
    invariants.check(world.workflow)
    world.go()
    return sorted(name[2:] for name in world.started)


def test_of_a_dag_the_failed_task_and_what_follows_it_run_anew() -> None:
    world = run_once(spec(dag(call("a"), call("b", "bad", depends="a"), call("c", depends="b"), call("d"))))
    assert rerun(world) == [".b", ".c"]
    assert world.phase == Phase.SUCCEEDED
    assert world.phases() == dict.fromkeys(["", ".a", ".b", ".c", ".d"], "Succeeded")


def test_of_steps_the_group_goes_on() -> None:
    world = run_once(spec(steps([call("a")], [call("b", "bad"), call("c")], [call("d")])))
    assert rerun(world) == ["[1].b", "[2].d"]
    assert world.phase == Phase.SUCCEEDED


def test_deep_down_only_the_failed_leaf_runs_anew() -> None:
    inner = steps([call("x")], [call("y", "bad")], name="inner")
    world = run_once(spec(dag(call("a"), call("b", "inner", depends="a"), call("c", depends="b")), inner))
    assert rerun(world) == [".b[1].y", ".c"]
    assert world.phase == Phase.SUCCEEDED


def test_pods_that_were_retried_get_all_their_attempts_again() -> None:
    flaky = leaf("flaky", retryStrategy={"limit": 2})
    world = World(
        spec(dag(call("a"), call("b", "flaky")), flaky),
        lambda pod: Play(outcome="Failed" if pod.template["name"] == "flaky" else "Succeeded", exit_code=1),
    ).run()
    assert world.phase == Phase.FAILED
    assert rerun(world) == [".b(0)", ".b(1)", ".b(2)"]
    world.script = lambda pod: Play()
    assert rerun(world) == [".b(0)"]
    assert world.phase == Phase.SUCCEEDED


def test_an_attempt_that_was_made_good_by_the_next_is_kept() -> None:
    seen: list[str] = []

    def script(pod: Pod) -> Play:
        if pod.template["name"] == "flaky":
            seen.append(pod.node_name)
            return Play(outcome="Failed" if len(seen) == 1 else "Succeeded", exit_code=1)
        return failing(pod)

    flaky = leaf("flaky", retryStrategy={"limit": 2})
    world = World(spec(dag(call("a", "flaky"), call("b", "bad")), flaky), script).run()
    world.script = lambda pod: Play()
    assert rerun(world) == [".b"]
    assert world.phase == Phase.SUCCEEDED


def test_the_last_attempt_of_steps_goes_on_where_it_failed() -> None:
    tried = steps([call("x")], [call("y", "bad")], name="tried") | {"retryStrategy": {"limit": 1}}
    world = run_once(spec(dag(call("a", "tried")), tried))
    assert rerun(world) == [".a(1)[1].y"]
    assert world.phase == Phase.SUCCEEDED


def test_a_failure_that_the_dag_went_on_from_is_kept() -> None:
    world = run_once(spec(dag(call("a", "bad"), call("b", depends="a.Failed"), call("c", "bad", depends="b"))))
    assert rerun(world) == [".c"]


def test_of_a_loop_only_the_failed_items_run_anew() -> None:
    item = {
        "name": "item",
        "inputs": {"parameters": [{"name": "n"}]},
        **LEAF,
    }
    task = call("a", "item", withItems=[1, 2, 3], arguments={"parameters": [{"name": "n", "value": "{{item}}"}]})

    def script(pod: Pod) -> Play:
        return Play(outcome="Failed" if pod.node_name.endswith("(1:2)") else "Succeeded", exit_code=1)

    world = World(spec(dag(task), item), script).run()
    world.script = lambda pod: Play()
    assert rerun(world) == [".a(1:2)"]
    assert world.phase == Phase.SUCCEEDED


def test_exit_handlers_and_hooks_run_again() -> None:
    given = spec(dag(call("a", "bad", hooks={"exit": {"template": "ok"}}), call("b")), onExit="ok")
    world = run_once(given)
    assert ".onExit" in world.phases()
    assert ".a.onExit" in world.phases()
    assert rerun(world) == [".a", ".a.onExit", ".onExit"]
    assert world.phase == Phase.SUCCEEDED


def test_a_workflow_of_one_pod_runs_anew() -> None:
    world = run_once({"entrypoint": "bad", "templates": [leaf("bad")]})
    assert rerun(world) == [""]
    assert world.phase == Phase.SUCCEEDED


def test_no_pod_has_the_name_of_an_earlier_one() -> None:
    world = run_once(spec(dag(call("a"), call("b", "bad"))))
    before = {node.pod for node in world.workflow.nodes if node.pod}
    rerun(world)
    assert world.node(".b").pod not in before
    assert world.node(".a").pod in before


def test_successes_run_again_if_asked() -> None:
    world = run_once(spec(dag(call("a"), call("b", depends="a"), call("c", "bad"))))
    assert rerun(world, {".a"}) == [".a", ".b", ".c"]


def test_nothing_failed_nothing_runs() -> None:
    world = World(spec(dag(call("a")))).run()
    with pytest.raises(Conflict, match="no node"):
        rerun(world)


def test_templates_with_locks_ask_for_them_again() -> None:
    locked = steps([call("x")], [call("y", "bad")], name="locked") | {"synchronization": {"mutexes": [{"name": "m"}]}}
    world = run_once(spec(dag(call("a", "locked")), locked))
    assert rerun(world) == [".a[1].y"]
    assert world.phase == Phase.SUCCEEDED


def test_a_workflow_with_locks_waits_for_them_again() -> None:
    world = run_once(spec(dag(call("a"), call("b", "bad")), synchronization={"mutexes": [{"name": "m"}]}))
    assert rerun(world) == [".b"]
    assert world.phase == Phase.SUCCEEDED


def test_a_retry_survives_crashes() -> None:
    given = spec(dag(call("a"), call("b", "bad", depends="a"), call("c", depends="b"), call("d", "bad")))
    world = run_once(given)
    world._crash = lambda step: step % 2 == 0
    assert set(rerun(world)) == {".b", ".c", ".d"}
    assert world.phase == Phase.SUCCEEDED
