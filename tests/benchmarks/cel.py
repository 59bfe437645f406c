"""CEL: evaluations of a filter a second, beside a Python function written by hand, and beside cel-python's own.

The event is a push of 8 kB, decoded from JSON, as a webhook's filter meets it. cel-python is measured with its
conversion of the event, which every event needs.
"""

import time
from collections.abc import Callable, Mapping
from typing import Any

import celpy
from celpy.adapter import json_to_cel

from eventflow.expressions.cel import engine
from tests.benchmarks.figure import Figure, median

SOURCE = (
    'body.ref == "refs/heads/main" && body.commits.exists(c, c.message.startsWith("fix")) && size(body.commits) < 50'
)
BODY: Mapping[str, Any] = {
    "ref": "refs/heads/main",
    "repository": {"full_name": "org/app", "owner": {"login": "org"}},
    "commits": [
        {
            "id": f"{n:040x}",
            "message": f"{'fix' if n == 19 else 'add'} part {n}",
            "added": ["src/a.py"] * 8,
            "pad": "x" * 180,
        }
        for n in range(20)
    ],
}


def by_hand(body: Mapping[str, Any]) -> bool:
    """The filter as one would write it in Python."""
    commits = body["commits"]
    return (
        body["ref"] == "refs/heads/main"
        and any(commit["message"].startswith("fix") for commit in commits)
        and len(commits) < 50
    )


def calls_a_second(act: Callable[[], object], times: int) -> float:
    """Return how often something is done in a second. It must give true."""
    assert act()
    began = time.perf_counter()
    for _ in range(times):
        act()
    return times / (time.perf_counter() - began)


def run(quick: bool) -> list[Figure]:
    """Measure the three."""
    times = 50 if quick else 20_000
    program = engine.compile(SOURCE, variables=frozenset({"body"}), result="bool")
    environment = celpy.Environment()
    stock = environment.program(environment.compile(SOURCE))
    variables = {"body": BODY}
    ours = median(lambda: calls_a_second(lambda: program.matches(variables), times))
    hand = median(lambda: calls_a_second(lambda: by_hand(BODY), times))
    theirs = median(
        lambda: calls_a_second(lambda: stock.evaluate({"body": json_to_cel(dict(BODY))}), max(1, times // 200))
    )
    return [
        Figure("cel: filter of an 8 kB event", ours, "evaluations/s", hand, "Python by hand"),
        Figure("cel: the same, against cel-python", ours, "evaluations/s", theirs, "cel-python"),
    ]
