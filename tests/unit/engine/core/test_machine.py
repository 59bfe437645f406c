"""The workflow machine, construct by construct, in simulated time with scripted pods."""

from typing import Any

import pytest

from eventflow.engine.core.commands import ReleaseLocks, StartPod, StopPod
from eventflow.engine.core.stimuli import OutputsSupplied, ResumeRequested, StopRequested, SuspendRequested
from eventflow.errors import InvariantError, UserError
from eventflow.model.pod import Pod, PodEnd, PodFinished
from tests.kit.world import START, Play, World

POD: dict[str, Any] = {"container": {"image": "busybox", "command": ["true"]}}


def steps(*groups: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
    """A spec whose entry point has these groups of steps; `more` are further templates by name."""
    templates = [{"name": "main", "steps": list(groups)}, {"name": "pod", **POD}]
    templates += [{"name": name, **template} for name, template in more.items()]
    return {"entrypoint": "main", "templates": templates}


def parameter(name: str, value: str) -> dict[str, Any]:
    """Arguments with one parameter."""
    return {"parameters": [{"name": name, "value": value}]}


def by_name(plays: dict[str, Play]) -> Any:
    """A script that looks a pod's play up by its node's name, without the workflow's."""
    return lambda pod: plays.get(pod.node_name.removeprefix("wf"), Play())


def test_groups_of_steps_follow_each_other() -> None:
    world = World(steps([{"name": "a", "template": "pod"}], [{"name": "b", "template": "pod"}])).run()
    assert world.phase == "Succeeded"
    assert world.started == ["wf[0].a", "wf[1].b"]
    assert world.node("[1]").parents == [world.node("[0].a").ordinal]


def test_a_failed_step_names_itself_in_argos_words() -> None:
    spec = steps([{"name": "a", "template": "pod"}], [{"name": "never", "template": "pod"}])
    world = World(spec, by_name({"[0].a": Play("Failed", message="main: Error (exit code 1)", exit_code=1)})).run()
    assert world.phase == "Failed"
    assert world.workflow.state.message == f"child '{world.node('[0].a').id}' failed"
    assert len(world.started) == 1


def test_continue_on_tolerates_only_what_it_names() -> None:
    failed = by_name({"[0].a": Play("Failed")})
    tolerant = steps([{"name": "a", "template": "pod", "continueOn": {"failed": True}}])
    assert World(tolerant, failed).run().phase == "Succeeded"
    wrong = steps([{"name": "a", "template": "pod", "continueOn": {"error": True}}])
    assert World(wrong, failed).run().phase == "Failed"


def test_results_parameters_and_items_reach_the_arguments() -> None:
    taker = {"inputs": {"parameters": [{"name": "p"}]}, **POD}
    spec = steps(
        [{"name": "a", "template": "pod"}],
        [
            {
                "name": "b",
                "template": "taker",
                "withParam": "{{steps.a.outputs.result}}",
                "arguments": parameter("p", "{{item.k}}-{{steps.a.status}}"),
            }
        ],
        taker=taker,
    )
    world = World(spec, by_name({"[0].a": Play(result='[{"k": "x"}, {"k": "y"}]')})).run()
    values = [node.inputs["parameters"][0]["value"] for node in world.workflow.nodes if node.inputs]
    assert values == ["x-Succeeded", "y-Succeeded"]


def test_a_value_is_never_read_as_a_template_again() -> None:
    taker = {"inputs": {"parameters": [{"name": "p"}]}, "container": {"args": ["{{inputs.parameters.p}}"]}}
    spec = steps(
        [{"name": "a", "template": "pod"}],
        [{"name": "b", "template": "taker", "arguments": parameter("p", "{{steps.a.outputs.result}}")}],
        taker=taker,
    )
    seen: list[Any] = []

    def script(pod: Pod) -> Play:
        seen.append(pod.template["container"].get("args"))
        return Play(result="{{workflow.name}} {{=1+1}}")

    World(spec, script).run()
    assert seen[1] == ["{{workflow.name}} {{=1+1}}"]


def test_results_of_a_loop_are_aggregated_in_order() -> None:
    spec = steps(
        [{"name": "a", "template": "pod", "withItems": [1, 2, 3]}],
        [{"name": "b", "template": "taker", "arguments": parameter("p", "{{steps.a.outputs.result}}")}],
        taker={"inputs": {"parameters": [{"name": "p"}]}, **POD},
    )
    delays = {f"[0].a({n}:{n + 1})": Play(seconds=9 - n, result=str(n)) for n in range(3)}
    world = World(spec, by_name(delays)).run()
    node = world.node("[1].b")
    assert node.inputs is not None
    assert node.inputs["parameters"][0]["value"] == "[0,1,2]"


def test_an_empty_loop_is_one_skipped_node() -> None:
    world = World(steps([{"name": "a", "template": "pod", "withParam": "[]"}])).run()
    assert world.phase == "Succeeded"
    assert world.node("[0].a").message == "Skipped, empty params"


def test_a_false_when_skips_and_says_so() -> None:
    world = World(steps([{"name": "a", "template": "pod", "when": "heads == tails"}])).run()
    assert world.node("[0].a").message == "when 'heads == tails' evaluated false"
    assert world.phase == "Succeeded"


def test_a_missing_input_is_an_error_of_its_own_node() -> None:
    world = World(steps([{"name": "a", "template": "t"}], t={"inputs": {"parameters": [{"name": "p"}]}, **POD})).run()
    assert world.node("[0].a").message == "inputs.parameters.p was not supplied"
    assert world.phase == "Failed"
    assert world.started == []


def test_retries_back_off_and_end_with_the_last_attempts_outputs() -> None:
    retried = {"retryStrategy": {"limit": 3, "backoff": {"duration": "10s", "factor": 2}}, **POD}
    plays = {f"[0].a({n})": Play("Failed", exit_code=1) for n in range(2)}
    world = World(steps([{"name": "a", "template": "t"}], t=retried), by_name(plays)).run()
    assert world.phase == "Succeeded"
    assert world.now == START + 3 + 10 + 20
    assert world.node("[0].a").outputs == {"exitCode": "0"}


def test_retries_run_out() -> None:
    retried = {"retryStrategy": {"limit": 1}, **POD}
    world = World(steps([{"name": "a", "template": "t"}], t=retried), lambda pod: Play("Failed")).run()
    assert world.node("[0].a").message == "No more retries left"
    assert len(world.started) == 2


def test_a_lost_pod_is_an_error_that_always_retries() -> None:
    retried = {"retryStrategy": {"limit": 1, "retryPolicy": "Always"}, **POD}
    plays = {"[0].a(0)": Play(lost=True)}
    world = World(steps([{"name": "a", "template": "t"}], t=retried), by_name(plays)).run()
    assert world.phase == "Succeeded"
    assert world.node("[0].a(0)").message == "pod deleted"


def test_the_exit_handler_sees_how_it_ended() -> None:
    spec = steps([{"name": "a", "template": "pod"}], bye={"container": {"args": ["{{workflow.status}}"]}})
    spec["onExit"] = "bye"
    seen: list[Any] = []

    def script(pod: Pod) -> Play:
        seen.append(pod.template["container"].get("args"))
        return Play("Failed" if pod.node_name == "wf[0].a" else "Succeeded")

    world = World(spec, script).run()
    assert world.phase == "Failed"
    assert seen[-1] == ["Failed"]
    assert world.node(".onExit").hooked


def test_a_failing_exit_handler_fails_only_a_success() -> None:
    spec = steps([{"name": "a", "template": "pod"}], bye=POD)
    spec["onExit"] = "bye"
    world = World(spec, by_name({".onExit": Play("Failed", message="no")})).run()
    assert (world.phase, world.workflow.state.message) == ("Failed", "no")


def test_stop_runs_the_exit_handler_and_terminate_does_not() -> None:
    spec = steps([{"name": "a", "template": "pod"}], bye=POD)
    spec["onExit"] = "bye"
    for strategy, runs_exit in (("Stop", True), ("Terminate", False)):
        world = World(spec, lambda pod: Play(seconds=1000)).run(until=START + 5)
        world.send(StopRequested(world.now, strategy))
        world.go()
        assert world.phase == "Failed"
        assert world.workflow.state.message == f"Stopped with strategy '{strategy}'"
        assert any(isinstance(each, StopPod) for each in world.commands)
        assert ("wf.onExit" in world.started) is runs_exit


def test_a_suspended_node_waits_for_its_time_or_for_somebody() -> None:
    timed = World(steps([{"name": "a", "template": "t"}], t={"suspend": {"duration": "30"}})).run()
    assert (timed.phase, timed.now) == ("Succeeded", START + 30)
    waiting = World(steps([{"name": "a", "template": "t"}], t={"suspend": {}})).run()
    assert waiting.phase == "Running"
    waiting.send(ResumeRequested(waiting.now))
    assert waiting.go().phase == "Succeeded"


def test_supplied_outputs_are_asked_for_before_resuming() -> None:
    ask = {"suspend": {}, "outputs": {"parameters": [{"name": "ok", "valueFrom": {"supplied": {}}}]}}
    world = World(steps([{"name": "a", "template": "t"}], t=ask)).run()
    with pytest.raises(UserError, match="'ok' has not been set"):
        world.workflow.handle(ResumeRequested(world.now))
    world.send(OutputsSupplied(world.now, world.node("[0].a").ordinal, {"ok": "YES"}))
    world.send(ResumeRequested(world.now))
    assert world.go().phase == "Succeeded"
    assert world.node("[0].a").outputs == {"parameters": [{"name": "ok", "value": "YES"}]}


def test_a_suspended_workflow_starts_nothing_new() -> None:
    spec = steps([{"name": "a", "template": "pod"}], [{"name": "b", "template": "pod"}])
    world = World(spec).run(until=START)
    world.send(SuspendRequested(world.now))
    world.go()
    assert world.started == ["wf[0].a"]
    world.send(ResumeRequested(world.now))
    assert world.go().phase == "Succeeded"


@pytest.mark.parametrize("where", ["workflow", "template"])
def test_parallelism_is_never_exceeded(where: str) -> None:
    spec = steps([{"name": "a", "template": "pod", "withSequence": {"count": "20"}}])
    (spec if where == "workflow" else spec["templates"][0])["parallelism"] = 3
    running = 0
    most = 0

    def script(pod: Pod) -> Play:
        nonlocal running, most
        running = sum(node.phase in ("Pending", "Running") and node.type == "Pod" for node in world.workflow.nodes)
        most = max(most, running)
        return Play()

    world = World(spec, script)
    world.run()
    assert world.phase == "Succeeded"
    assert most == 3


def test_a_deadline_fails_what_runs_but_not_the_exit_handler() -> None:
    spec = steps([{"name": "a", "template": "pod"}], bye=POD)
    spec |= {"activeDeadlineSeconds": 10, "onExit": "bye"}
    world = World(spec, by_name({"[0].a": Play(seconds=100), ".onExit": Play(seconds=20)})).run()
    assert world.node("[0].a").message == "Step exceeded its deadline"
    assert (world.phase, world.node(".onExit").phase) == ("Failed", "Succeeded")


def test_a_mutex_admits_one_node_at_a_time() -> None:
    locked = {"synchronization": {"mutexes": [{"name": "m"}]}, **POD}
    world = World(steps([{"name": "a", "template": "t", "withItems": [1, 2, 3]}], t=locked)).run()
    assert world.phase == "Succeeded"
    assert world.now == START + 3
    assert sum(isinstance(each, ReleaseLocks) for each in world.commands) >= 3


def test_a_memoized_node_runs_once() -> None:
    memo = {"memoize": {"key": "k", "cache": {"configMap": {"name": "c"}}}, **POD}
    spec = steps([{"name": "a", "template": "t"}], [{"name": "b", "template": "t"}], t=memo)
    world = World(spec, lambda pod: Play(parameters={})).run()
    assert world.started == ["wf[0].a"]
    assert world.node("[1].b").memo == {"hit": True, "key": "k", "cacheName": "c"}


def test_a_daemon_serves_until_its_steps_are_done() -> None:
    spec = steps(
        [{"name": "server", "template": "daemon"}],
        [{"name": "client", "template": "taker", "arguments": parameter("ip", "{{steps.server.ip}}")}],
        daemon={"daemon": True, **POD},
        taker={"inputs": {"parameters": [{"name": "ip"}]}, **POD},
    )
    world = World(spec).run()
    assert world.phase == "Succeeded"
    server = world.node("[0].server")
    assert (str(server.phase), server.daemoned) == ("Succeeded", False)
    assert world.node("[1].client").inputs == {"parameters": [{"name": "ip", "value": "127.0.0.1"}]}


def test_hooks_fire_once_when_their_expression_first_holds() -> None:
    step = {
        "name": "a",
        "template": "pod",
        "hooks": {
            "running": {"expression": 'steps["a"].status == "Running"', "template": "pod"},
            "exit": {"template": "pod"},
        },
    }
    world = World(steps([step])).run()
    assert sorted(world.started) == ["wf[0].a", "wf[0].a.hooks.running", "wf[0].a.onExit"]
    assert world.phase == "Succeeded"


def test_global_outputs_reach_the_workflow() -> None:
    giver = {"outputs": {"parameters": [{"name": "o", "globalName": "g", "valueFrom": {"path": "/o"}}]}, **POD}
    world = World(steps([{"name": "a", "template": "t"}], t=giver), lambda pod: Play(parameters={"o": "v"})).run()
    assert world.workflow.state.outputs == {"parameters": [{"name": "g", "value": "v"}]}


def test_endless_recursion_ends() -> None:
    world = World(steps([{"name": "again", "template": "main"}])).run()
    assert world.phase == "Failed"
    assert any("recursion depth" in node.message for node in world.workflow.nodes)


def test_late_and_repeated_reports_change_nothing() -> None:
    world = World(steps([{"name": "a", "template": "pod"}])).run()
    before = world.tree()
    pod = next(each.pod for each in world.commands if isinstance(each, StartPod))
    decision = world.workflow.handle(PodFinished(pod, PodEnd("Failed", world.now + 1)))
    assert not decision.changed
    assert world.tree() == before


def test_a_hash_that_is_taken_gets_the_nodes_ordinal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("eventflow.engine.core.names.fnv1a", lambda text: 7)
    world = World(steps([{"name": "a", "template": "pod", "withItems": [1, 2, 3]}])).run()
    assert world.phase == "Succeeded"
    assert len({node.id for node in world.workflow.nodes}) == len(world.workflow.nodes)
    assert len({node.pod for node in world.workflow.nodes if node.pod}) == 3


def test_a_node_never_leaves_its_final_phase() -> None:
    world = World(steps([{"name": "a", "template": "pod"}])).run()
    node = world.node("[0].a")
    with pytest.raises(InvariantError, match="cannot become"):
        world.workflow.mark(node, type(node.phase).FAILED)
