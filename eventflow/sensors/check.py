"""What is wrong with a Sensor, found when it is applied: every problem at once, each with its place in the file."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

from eventflow.errors import UserError
from eventflow.expressions.cel import engine as cel
from eventflow.model.manifest import Resource
from eventflow.model.problems import ManifestError, Problem
from eventflow.sensors import conditions, filters_cel, load
from eventflow.triggers import resolve
from eventflow.triggers.backoff import Backoff
from eventflow.triggers.contract import Triggers

Steps = tuple[str | int, ...]
Finding = tuple[str, Steps, UserError]


def check(resource: Resource, triggers: Triggers) -> None:
    """Raise ManifestError with all that keeps a Sensor from working: CEL, conditions, names, triggers."""
    problems = [_problem(resource, *finding) for finding in _findings(resource.manifest, triggers)]
    if problems:
        raise ManifestError(sorted(problems, key=lambda each: (each.location.line, each.location.column)))


def _problem(resource: Resource, rule: str, path: Steps, error: UserError) -> Problem:
    place = resource.locate(path)
    if error.location is not None and error.location.line:
        place = resource.locate_within(path, error.location.line, error.location.column)
    return Problem(rule, error.message, place, error.hint)


def _findings(manifest: Mapping[str, Any], triggers: Triggers) -> Iterator[Finding]:
    spec = manifest["spec"]
    dependencies = spec.get("dependencies") or []
    names = [str(each["name"]) for each in dependencies]
    yield from _repeated("dependency", names, ("spec", "dependencies"))
    for index, entry in enumerate(dependencies):
        source = (entry.get("filters") or {}).get("cel")
        if source:
            path = ("spec", "dependencies", index, "filters", "cel")
            yield from _tried("cel", path, partial(filters_cel.compile_filter, str(source)))
    yield from _repeated(
        "trigger", [str(each["template"]["name"]) for each in spec["triggers"]], ("spec", "triggers"), ("template",)
    )
    for index, entry in enumerate(spec["triggers"]):
        yield from _trigger(entry, ("spec", "triggers", index), names, triggers)


def _repeated(what: str, names: list[str], path: Steps, inside: Steps = ()) -> Iterator[Finding]:
    counts = Counter(names)
    for index, name in enumerate(names):
        if counts[name] > 1 and names.index(name) != index:
            error = UserError(f"there is more than one {what} called {name!r}", hint="give each its own name")
            yield "duplicate-name", (*path, index, *inside, "name"), error


def _trigger(entry: Mapping[str, Any], path: Steps, names: list[str], triggers: Triggers) -> Iterator[Finding]:
    template, inside = entry["template"], (*path, "template")
    condition = str(template.get("conditions") or "")
    yield from _tried("condition", (*inside, "conditions"), lambda: conditions.parse(condition, names))
    yield from _tried("schedule", (*inside, "conditionsReset"), lambda: load.resets(template))
    yield from _tried("retry", (*path, "retryStrategy"), lambda: Backoff.parse(entry.get("retryStrategy")))
    yield from _tried("rate", (*path, "rateLimit"), lambda: load.interval(entry.get("rateLimit") or {}))
    yield from _expressions(entry, path, frozenset(names))
    try:
        kind = load.kind_of(template)
    except UserError as error:
        yield "trigger-kind", inside, error
        return
    yield from _tried("trigger", (*inside, kind), lambda: triggers.of(kind).check(template[kind]))
    if entry.get("dlqTrigger"):
        yield from _trigger(entry["dlqTrigger"], (*path, "dlqTrigger"), names, triggers)


def _expressions(tree: Any, path: Steps, names: frozenset[str]) -> Iterator[Finding]:
    """Check every `cel` in a trigger, and that every `dependencyName` is one; manifests inside are left alone."""
    if isinstance(tree, list):
        for index, item in enumerate(tree):
            yield from _expressions(item, (*path, index), names)
    if not isinstance(tree, Mapping):
        return
    if isinstance(tree.get("cel"), str):
        source = tree["cel"]
        yield from _tried("cel", (*path, "cel"), lambda: cel.compile(source, variables=resolve.CEL_VARIABLES))
    wanted = tree.get("dependencyName")
    if isinstance(wanted, str) and wanted and wanted not in names:
        error = UserError(f"no dependency is called {wanted!r}", hint=f"there are: {', '.join(sorted(names))}")
        yield "unknown-dependency", (*path, "dependencyName"), error
    for key, value in tree.items():
        if key not in ("resource", "dlqTrigger"):
            yield from _expressions(value, (*path, key), names)


def _tried(rule: str, path: Steps, attempt: Callable[[], Any]) -> Iterator[Finding]:
    try:
        attempt()
    except UserError as error:
        yield rule, path, error
