"""DAG templates. Source: Argo v4.1.2 workflow/validate/validate.go validateDAG, workflow/common/ancestry.go."""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from eventflow.engine.core import depends
from eventflow.lint import calls
from eventflow.lint.catalogue import Template
from eventflow.lint.context import Context
from eventflow.lint.findings import Place, Report
from eventflow.lint.variables import NodeNames, Variables
from eventflow.model import spelling

_OVER_ITEMS = re.compile(r"([a-zA-Z0-9][-a-zA-Z0-9]*)\.(?:AnySucceeded|AllFailed)\b")


def check(template: Template, nodes: dict[str, NodeNames], context: Context) -> None:
    """Check every task and how they wait for each other; one sees the tasks it waits for, however indirectly."""
    report = context.report
    tasks = list(template.place.items("dag", "tasks"))
    if not tasks:
        report.error("template-type", "a DAG needs at least one task", template.place.at("dag"))
    _check_names(tasks, report)
    parents = {task.text("name"): _parents(task, nodes, report) for task in tasks}
    for cycle in cycles(parents):
        place = next(task for task in tasks if task.text("name") == cycle[0])
        report.error("dependency-cycle", f"tasks wait for each other: {' -> '.join(cycle)}", place)
    _check_targets(template.place.at("dag", "target"), nodes, report)
    ancestors = Ancestors(parents)
    for task in tasks:
        before = ancestors.of(task.text("name"))
        variables = Variables(context.names, template, "tasks", nodes, before)
        calls.check(task, template, context, variables, "warning")


def _check_names(tasks: Sequence[Place], report: Report) -> None:
    uses_depends = any("depends" in task.mapping() for task in tasks)
    waits = uses_depends or any("dependencies" in task.mapping() for task in tasks)
    seen: set[str] = set()
    for task in tasks:
        name = task.text("name")
        calls.check_name(task, name, "task", report)
        if name in seen:
            report.error("name", f'two tasks are named "{name}"', task.at("name"))
        seen.add(name)
        if waits and name[:1].isdigit():
            message = f'"{name}" begins with a digit, which depends and dependencies cannot name'
            report.error("name", message, task.at("name"), "begin it with a letter")
        if uses_depends and "dependencies" in task.mapping():
            message = "a DAG uses either depends or dependencies"
            report.error("depends", message, task.at("dependencies"), f'write depends: "{_joined(task)}"')
        if uses_depends and "continueOn" in task.mapping():
            hint = f'where it is waited for, write "({name} || {name}.Failed)"'
            report.error("depends", "continueOn has no place in a DAG that uses depends", task.at("continueOn"), hint)


def _joined(task: Place) -> str:
    return " && ".join(str(name) for name in task.mapping().get("dependencies") or ())


def _parents(task: Place, nodes: Mapping[str, NodeNames], report: Report) -> tuple[str, ...]:
    """Return the existing tasks that a task waits for; report the others."""
    text = task.text("depends")
    if not text:
        names = [str(name) for name in task.mapping().get("dependencies") or ()]
        for index, name in enumerate(names):
            _check_known(name, nodes, task.at("dependencies", index), report)
        return tuple(name for name in names if name in nodes)
    try:
        parsed = depends.parse(text)
    except depends.DependsError as error:
        report.user_error("depends", error, task.at("depends"))
        return ()
    for name in parsed.names:
        _check_known(name, nodes, task.at("depends"), report)
    for found in _OVER_ITEMS.finditer(text):
        if found[1] in nodes and not nodes[found[1]].looped:
            message = f'"{found[0]}" looks at the items of a loop, but task "{found[1]}" has none'
            report.error("depends", message, task.at("depends"), f"use {found[1]}.Succeeded or {found[1]}.Failed")
    return tuple(name for name in parsed.names if name in nodes)


def _check_known(name: str, nodes: Collection[str], place: Place, report: Report) -> None:
    if name not in nodes:
        report.error("depends", f'there is no task "{name}"', place, spelling.did_you_mean(name, nodes))


def _check_targets(place: Place, nodes: Collection[str], report: Report) -> None:
    for name in place.text().split():
        if "{{" not in place.text() and name not in nodes:
            report.error("dag-target", f'there is no task "{name}"', place, spelling.did_you_mean(name, nodes))


def cycles(parents: Mapping[str, Sequence[str]]) -> Iterator[list[str]]:
    """Give each cycle once, as the names along it, the first one repeated at the end."""
    done: set[str] = set()
    for start in parents:
        path: list[str] = []
        walks = [iter([start])]
        while walks:
            name = next(walks[-1], None)
            if name is None:
                walks.pop()
                if path:
                    done.add(path.pop())
            elif name in path:
                yield [*path[path.index(name) :], name]
            elif name not in done:
                path.append(name)
                walks.append(iter(parents.get(name, ())))


class Ancestors:
    """For each task, the tasks it waits for, however indirectly. Kept as bits: a wide DAG has many."""

    def __init__(self, parents: Mapping[str, Sequence[str]]) -> None:
        self._names = list(parents)
        self._index = {name: number for number, name in enumerate(self._names)}
        self._bits = dict.fromkeys(self._names, 0)
        for name in _parents_first(parents):
            for parent in parents[name]:
                if parent in self._bits:
                    self._bits[name] |= self._bits[parent] | 1 << self._index[parent]

    def of(self, name: str) -> "AncestorSet":
        """Return the ancestors of a task as a collection of names."""
        return AncestorSet(self._names, self._index, self._bits.get(name, 0))


@dataclass(frozen=True, slots=True)
class AncestorSet(Collection[str]):
    """Names of tasks, held as bits."""

    names: Sequence[str]
    index: Mapping[str, int]
    bits: int

    def __contains__(self, name: object) -> bool:
        number = self.index.get(name) if isinstance(name, str) else None
        return number is not None and bool(self.bits >> number & 1)

    def __iter__(self) -> Iterator[str]:
        return (name for number, name in enumerate(self.names) if self.bits >> number & 1)

    def __len__(self) -> int:
        return self.bits.bit_count()


def _parents_first(parents: Mapping[str, Sequence[str]]) -> Iterator[str]:
    """Give names so that parents come before their children; those on a cycle in any order."""
    done: set[str] = set()
    for start in parents:
        waiting = [start]
        entered: set[str] = set()
        while waiting:
            name = waiting[-1]
            missing = [each for each in parents.get(name, ()) if each not in done and each not in entered]
            if name in done or not missing or name in entered:
                waiting.pop()
                if name not in done:
                    done.add(name)
                    yield name
            else:
                entered.add(name)
                waiting.extend(missing)
