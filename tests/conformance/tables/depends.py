"""`expressions/depends`: the `depends` logic of DAG tasks."""

from typing import Any

from eventflow.engine.core import depends
from eventflow.engine.core.names import node_id
from eventflow.engine.core.plan import PlanError, compile_graph
from eventflow.engine.core.state import FULFILLED, Node, NodeType, Phase
from eventflow.errors import UserError

TABLE = "expressions/depends"


def judge(case: dict[str, Any]) -> str | None:
    """Return the difference to what the peer decided, None if there is none."""
    expected_error = bool(case.get("error"))
    try:
        answer = _decide(case)
    except UserError as error:
        return None if expected_error else f"expected {case['outcome']}, refused: {error}"
    if expected_error and case.get("defect") and answer["decision"] == "run":
        return None  # ours: a task may have any name, `and` and `true` among them
    if expected_error:
        return f"expected an error ({case.get('error_class')}), got {answer}"
    outcome = case["outcome"]
    if answer["decision"] != outcome["decision"]:
        return f"expected {outcome['decision']}, got {answer['decision']}"
    if outcome.get("expanded") is not None and answer["expanded"] != outcome["expanded"]:
        return f"expected {outcome['expanded']!r}, got {answer['expanded']!r}"
    return None


def _decide(case: dict[str, Any]) -> dict[str, Any]:
    task, others = case["task"], case["tasks"]
    for each in (task, *others):
        if each["name"][0].isdigit() and (task.get("depends") or task.get("dependencies")):
            raise PlanError(f"task name {each['name']!r} cannot begin with a digit when depends is used")
    graph = compile_graph([*others, task])
    parsed = graph.tasks[graph.index[task["name"]]].depends
    if parsed is None:
        return {"decision": "run", "expanded": ""}
    results = {}
    for name in parsed.names:
        state = case.get("results", {}).get(name)
        if state is None or not _settled(state):
            return {"decision": "wait", "expanded": parsed.expanded}
        results[name] = _results(name, state)
    return {"decision": "run" if parsed.test(results) else "omit", "expanded": parsed.expanded}


def _settled(state: dict[str, Any]) -> bool:
    if state.get("hook_pending") or state.get("result_not_synced"):
        return False
    return (bool(state.get("daemoned")) and state["phase"] != "Pending") or state["phase"] in FULFILLED


def _results(name: str, state: dict[str, Any]) -> depends.Results:
    kind = NodeType(state.get("type") or "Pod")
    node = Node(0, name, node_id("wf", name), name, kind, Phase(state["phase"]), daemoned=bool(state.get("daemoned")))
    counts: dict[Phase, int] = {}
    for phase in state.get("children") or ():
        counts[Phase(phase)] = counts.get(Phase(phase), 0) + 1
    return depends.results_of(node, counts)
