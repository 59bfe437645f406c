"""The workflows that are measured, by shape. Each function returns a `spec`."""

from collections.abc import Mapping, Sequence
from typing import Any

Spec = dict[str, Any]
LEAF: Mapping[str, Any] = {"name": "leaf", "container": {"image": "debian", "command": ["sh", "-c", "true"]}}


def one_pod() -> Spec:
    """One pod and nothing else."""
    return {"entrypoint": "leaf", "templates": [LEAF]}


def fan_out(count: int) -> Spec:
    """One task that loops over a count."""
    return _dag([{"name": "all", "template": "leaf", "withSequence": {"count": str(count)}}])


def chain(count: int) -> Spec:
    """Tasks, each of which waits for the one before."""
    tasks: list[dict[str, Any]] = [{"name": "t0", "template": "leaf"}]
    tasks += [{"name": f"t{n}", "template": "leaf", "dependencies": [f"t{n - 1}"]} for n in range(1, count)]
    return _dag(tasks)


def skipped_chain(count: int) -> Spec:
    """A chain in which no task's `when` holds."""
    spec = chain(count)
    for task in spec["templates"][0]["dag"]["tasks"]:
        task["when"] = "1 == 2"
    return spec


def diamonds(count: int) -> Spec:
    """Diamonds of five tasks side by side in one DAG: one, three, one."""
    return _dag([task for n in range(count) for task in _diamond(f"d{n}-")])


def diamond() -> Spec:
    """One diamond of five tasks."""
    return _dag(_diamond(""))


def _diamond(prefix: str) -> list[dict[str, Any]]:
    first, middle, last = f"{prefix}a", [f"{prefix}{each}" for each in "bcd"], f"{prefix}e"
    return [
        {"name": first, "template": "leaf"},
        *({"name": each, "template": "leaf", "dependencies": [first]} for each in middle),
        {"name": last, "template": "leaf", "dependencies": middle},
    ]


def _dag(tasks: Sequence[Mapping[str, Any]]) -> Spec:
    return {"entrypoint": "main", "templates": [{"name": "main", "dag": {"tasks": list(tasks)}}, LEAF]}


def manifest(spec: Spec) -> dict[str, Any]:
    """Return a Workflow of a spec."""
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Workflow",
        "metadata": {"generateName": "bench-"},
        "spec": spec,
    }
