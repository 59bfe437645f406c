"""Lints a set of objects: everything that can be checked with no server, findings in the order of the files."""

from collections.abc import Sequence

from eventflow.lint import schedules, sources, workflows
from eventflow.lint.catalogue import SPEC_PATHS, Catalogue
from eventflow.lint.findings import Finding, Place, Report, Severity
from eventflow.model.manifest import Resource
from eventflow.model.source import Note

_DOUBTFUL_NOTES = ("duplicate-key", "yaml-boolean")


def lint(resources: Sequence[Resource], *, offline: bool = False, now: float | None = None) -> list[Finding]:
    """Return what is wrong, doubtful or good to know about objects that are to be used together.

    A WorkflowTemplate that is referred to must be among them; with `offline` it may also be somewhere else, which is a
    warning. `now` (seconds since the epoch) adds when schedules fire next. Findings are in order of file and place.
    """
    catalogue = Catalogue(resources)
    report = Report()
    _check_duplicates(resources, report)
    for resource in resources:
        for note in resource.notes:
            _add_note(note, resource, report)
        _check(resource, catalogue, report, offline=offline, now=now)
    order: dict[str, int] = {}
    for resource in resources:
        order.setdefault(resource.document.file, len(order))
    return sorted(
        dict.fromkeys(report.findings),
        key=lambda found: (order.get(found.location.file, 0), found.location.line, found.location.column),
    )


def _check(resource: Resource, catalogue: Catalogue, report: Report, *, offline: bool, now: float | None) -> None:
    if resource.kind in SPEC_PATHS:
        workflows.check(resource, catalogue, report, offline=offline)
    if resource.kind == "CronWorkflow":
        schedules.check_cron(resource, report, now)
    elif resource.kind == "WorkflowEventBinding":
        schedules.check_binding(resource, catalogue, report, offline=offline)
    elif resource.kind == "EventSource":
        sources.check(resource, report, now)
    elif resource.kind == "EventBus":
        sources.check_bus(resource, report)
    elif resource.kind == "Sensor":
        from eventflow.lint import sensors  # imports CEL, which takes a while

        sensors.check(resource, catalogue, report, offline=offline)


def _check_duplicates(resources: Sequence[Resource], report: Report) -> None:
    seen: dict[tuple[str, str, str], Resource] = {}
    for resource in resources:
        identity = (resource.kind, resource.namespace, resource.name)
        first = seen.setdefault(identity, resource)
        if first is not resource and resource.name:
            place = Place(resource, ("metadata", "name"))
            message = f'there is another {resource.kind} "{resource.name}" in {first.document.file}'
            report.warning("duplicate-object", message, place, "the last one applied wins")


def _add_note(note: Note, resource: Resource, report: Report) -> None:
    severity: Severity = "warning" if note.rule in _DOUBTFUL_NOTES else "info"
    report.add(severity, note.rule, note.message, Place(resource), note.location, note.hint)
