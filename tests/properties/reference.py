"""A reference for DAGs: what must come of one, by plain recursion over its tasks, sharing nothing with the machine."""

from dataclasses import dataclass, field
from typing import Any

UNSUCCESSFUL = {"Failed", "Error"}
COMPLETED = {"Succeeded", *UNSUCCESSFUL}

Term = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Task:
    """A task: what it waits for (a term, None for nothing), and how its pods end.

    `items` is None for no loop, else how each item ends; `fails_first` makes the first attempts of a retried task fail.
    """

    name: str
    depends: Term | None = None
    outcome: str = "Succeeded"
    proceeds: bool = True
    items: tuple[str, ...] | None = None
    limit: int | None = None
    fails_first: int = 0


@dataclass(slots=True)
class Expectation:
    """The phase of each task, and of the DAG: any one of `whole`."""

    phases: dict[str, str] = field(default_factory=dict)
    whole: set[str] = field(default_factory=set)


def text(term: Term) -> str:
    """Return a term as `depends` text."""
    if term[0] == "not":
        return f"!({text(term[1])})"
    if term[0] in ("and", "or"):
        operator = " && " if term[0] == "and" else " || "
        return "(" + operator.join(text(each) for each in term[1:]) + ")"
    name, result = term
    return f"{name}.{result}" if result else str(name)


def names(term: Term | None) -> set[str]:
    """Return the tasks a term names."""
    if term is None:
        return set()
    if term[0] in ("not", "and", "or"):
        return set().union(*(names(each) for each in term[1:]))
    return {term[0]}


def _holds(term: Term, phases: dict[str, str]) -> bool:
    if term[0] == "not":
        return not _holds(term[1], phases)
    if term[0] == "and":
        return all(_holds(each, phases) for each in term[1:])
    if term[0] == "or":
        return any(_holds(each, phases) for each in term[1:])
    name, result = term
    if not result:
        return phases[name] in ("Succeeded", "Skipped")
    return phases[name] == {"Errored": "Error"}.get(result, result)


def expect(tasks: list[Task]) -> Expectation:
    """Return what must come of the tasks, which stand in an order in which each follows what it waits for."""
    found = Expectation()
    branches: dict[str, set[str]] = {}
    for task in tasks:
        phase = _phase(task, found.phases)
        found.phases[task.name] = phase
        before = set().union(*(branches[name] for name in names(task.depends))) or {"Succeeded"}
        if task.items and phase in COMPLETED and task.proceeds:
            branches[task.name] = set(task.items)  # a branch leads through every item
        else:
            branches[task.name] = {phase} if phase in COMPLETED else before
    waited_for = set().union(*(names(task.depends) for task in tasks)) if tasks else set()
    leaves = sorted(task.name for task in tasks if task.name not in waited_for)
    for leaf in leaves:
        own = {found.phases[leaf]} if found.phases[leaf] in COMPLETED else branches[leaf]
        found.whole |= own & UNSUCCESSFUL
    found.whole = found.whole or {"Succeeded"}
    return found


def _phase(task: Task, phases: dict[str, str]) -> str:
    if task.depends is not None and not _holds(task.depends, phases):
        return "Omitted"
    if task.items is not None:
        if not task.items:
            return "Skipped"
        if not task.proceeds:
            return "Succeeded"  # every item is skipped, and the group is done
        failed = [each for each in task.items if each in UNSUCCESSFUL]
        return failed[-1] if failed else "Succeeded"
    if not task.proceeds:
        return "Skipped"
    if task.limit is not None and task.outcome == "Succeeded":
        return "Succeeded" if task.fails_first <= task.limit else "Failed"
    return task.outcome
