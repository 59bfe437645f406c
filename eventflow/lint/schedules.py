"""CronWorkflows and event bindings. Source: Argo v4.1.2 validate.go CronWorkflow, server/event."""

from datetime import UTC, datetime

from eventflow.errors import UserError
from eventflow.expressions.calendar import Calendar
from eventflow.expressions.cron import DstRule, Schedule, zone_named
from eventflow.lint import arguments, expressions
from eventflow.lint.catalogue import Catalogue, Spec
from eventflow.lint.findings import Place, Report
from eventflow.model import spelling
from eventflow.model.manifest import Resource

SHOWN = 3


def check_cron(resource: Resource, report: Report, now: float | None) -> None:
    """Check the schedules of a CronWorkflow; with `now` (seconds since the epoch), tell when they fire next."""
    place = Place(resource, ("spec",))
    timezone = place.text("timezone")
    try:
        zone_named(timezone)
    except UserError as error:
        report.user_error("schedule", error, place.at("timezone"))
        timezone = ""
    for index, text in enumerate(place.mapping()["schedules"]):
        try:
            schedule = Schedule.parse(text, timezone, dst=_dst(place))
        except UserError as error:
            report.user_error("schedule", error, place.at("schedules", index))
            continue
        if now is not None:
            tell_next(schedule, now, place.at("schedules", index), report)
    expressions.field(report, place.at("stopStrategy", "expression"))
    expressions.when(place.at("when"), report)


def _dst(place: Place) -> DstRule:
    return "vixie" if place.text("dst") == "vixie" else "argo"


def tell_next(schedule: Schedule | Calendar, now: float, place: Place, report: Report) -> None:
    """Report the next few times, on the clock of the schedule's own zone."""
    zone = schedule.zone or UTC
    shown: list[str] = []
    moment = schedule.next(now)
    while moment is not None and len(shown) < SHOWN:
        shown.append(datetime.fromtimestamp(moment, zone).strftime("%a %Y-%m-%d %H:%M:%S"))
        moment = schedule.next(moment)
    if not shown:
        report.error("schedule", "this never fires", place)
        return
    report.info("next-runs", f"fires next at {', '.join(shown)} ({schedule.zone or 'UTC'})", place)


def check_binding(resource: Resource, catalogue: Catalogue, report: Report, *, offline: bool) -> None:
    """Check a WorkflowEventBinding."""
    place = Place(resource, ("spec",))
    expressions.field(report, place.at("event", "selector"))
    submit = place.at("submit")
    if not submit.mapping():
        report.warning("ignored", "without submit, this binding does nothing", place)
        return
    found = catalogue.spec_of_reference(submit.mapping("workflowTemplateRef"), resource.namespace)
    if not isinstance(found, Spec):
        severity = report.warning if offline else report.error
        hint = spelling.did_you_mean(found.wanted, found.hint_from)
        severity("unknown-template", found.message, submit.at("workflowTemplateRef"), hint)
    arguments.check(submit.at("arguments"), report)
    for parameter in submit.items("arguments", "parameters"):
        expressions.field(report, parameter.at("valueFrom", "event"))
