"""The tree of nodes: what is under what, and how it is folded to fit."""

from typing import Any

from eventflow.cli import output, tree
from eventflow.engine.core import present
from tests.kit.world import World

LEAF = {"name": "leaf", "container": {"image": "alpine"}}
ITEM = {"name": "item", "inputs": {"parameters": [{"name": "n"}]}, "container": {"image": "alpine"}}


def loop(count: int) -> dict[str, Any]:
    arguments = {"parameters": [{"name": "n", "value": "{{item}}"}]}
    return {"name": "a", "template": "item", "withSequence": {"count": count}, "arguments": arguments}


def world(main: dict[str, Any]) -> World:
    templates = [{"name": "main", **main}, LEAF, ITEM, {**LEAF, "name": "again", "retryStrategy": {"limit": 1}}]
    return World({"entrypoint": "main", "templates": templates}).run()


def texts(rows: list[tree.Row]) -> list[str]:
    return [tree.plain(row, "") for row in rows]


def shown(of: World) -> list[str]:
    by_nodes = list(tree.rows_of(tree.of_nodes(of.workflow.nodes), of.now))
    status = present.status_object(of.definition, of.workflow.state, of.workflow.nodes)
    by_status = list(tree.rows_of(tree.of_status(status["nodes"]), of.now))
    assert texts(by_nodes) == texts(by_status)
    return texts(by_nodes)


def test_steps_stand_under_their_workflow_and_groups_of_one_are_left_out() -> None:
    step = {"name": "a", "template": "leaf"}
    main = {"steps": [[step], [{"name": "b", "template": "leaf"}, {"name": "c", "template": "leaf"}]]}
    assert shown(world(main)) == ["✔ wf", "├─ ✔ a", "└─ ✔ [1]", "   ├─ ✔ b", "   └─ ✔ c"]


def test_what_follows_a_task_stands_beside_it() -> None:
    tasks = [{"name": "a", "template": "leaf"}, {"name": "ab", "template": "leaf", "depends": "a"}]
    assert shown(world({"dag": {"tasks": tasks}})) == ["✔ wf", "├─ ✔ a", "└─ ✔ ab"]


def test_attempts_stand_under_their_retry_and_items_under_their_group() -> None:
    tasks = [{"name": "r", "template": "again"}, loop(2), {"name": "z", "template": "leaf", "depends": "r && a"}]
    assert shown(world({"dag": {"tasks": tasks}})) == [
        "✔ wf",
        "├─ ✔ r",
        "│  └─ ✔ r(0)",
        "├─ ✔ a",
        "│  ├─ ✔ a(0:0)",
        "│  └─ ✔ a(1:1)",
        "└─ ✔ z",
    ]


def test_a_large_fan_out_is_folded_to_the_height() -> None:
    tops = tree.of_nodes(world({"dag": {"tasks": [loop(500)]}}).workflow.nodes)
    rows = tree.fitted(tops, 0.0, 10)
    assert len(rows) <= 10
    assert any("Succeeded" in row.label for row in rows)


def test_what_failed_is_shown_before_what_did_not() -> None:
    nodes = world({"dag": {"tasks": [loop(200)]}}).workflow.nodes
    tops = tree.of_nodes(nodes)
    items = tops[0].below[0].below
    items[150].phase = "Failed"
    labels = [row.label for row in tree.fitted(tops, 0.0, 12)]
    assert items[150].label in labels
    assert any("199" in label or "19" in label for label in labels)


def test_what_cannot_be_folded_is_cut() -> None:
    tasks = [{"name": f"t{number}", "template": "again"} for number in range(40)]
    rows = tree.fitted(tree.of_nodes(world({"dag": {"tasks": tasks}}).workflow.nodes), 0.0, 2)
    assert len(rows) <= 2


def test_spans_have_two_units_at_most() -> None:
    found = [output.span(each) for each in (0, 4, 60, 133, 7200, 18120, 90_000, -3)]
    assert found == ["0s", "4s", "1m", "2m13s", "2h", "5h2m", "1d1h", "0s"]
