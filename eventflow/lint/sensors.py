"""Sensors: dependencies and filters. Source: Argo Events 6478ece pkg/reconciler/sensor/validate.go, and its users."""

import re

import re2

from eventflow.errors import UserError
from eventflow.expressions.cron import zone_named
from eventflow.expressions.gotemplate.template import Template
from eventflow.expressions.gotemplate.values import TemplateError
from eventflow.expressions.govaluate import expression as govaluate
from eventflow.lint import sources, triggers
from eventflow.lint.catalogue import Catalogue
from eventflow.lint.findings import Place, Report
from eventflow.model import spelling
from eventflow.model.manifest import Resource
from eventflow.sensors import filters_cel

_CLOCK = re.compile(r"([01]?\d|2[0-3]):[0-5]\d:[0-5]\d")
_PATTERN_CHARACTERS = re.compile(r"[\\^$.|?*+()\[\]{}]")


def check(resource: Resource, catalogue: Catalogue, report: Report, *, offline: bool) -> None:
    """Check a Sensor."""
    spec = Place(resource, ("spec",))
    names: list[str] = []
    for dependency in spec.items("dependencies"):
        name = dependency.text("name")
        if name in names:
            report.error("dependency", f'two dependencies are named "{name}"', dependency.at("name"))
        names.append(name)
        _check_source(dependency, catalogue, report)
        _check_filters(dependency.at("filters"), dependency, report)
        _check_transform(dependency.at("transform"), report)
    seen: set[str] = set()
    for trigger in spec.items("triggers"):
        name = trigger.text("template", "name")
        if name in seen:
            report.error("trigger", f'two triggers are named "{name}"', trigger.at("template", "name"))
        seen.add(name)
        triggers.check(trigger, names, catalogue, report, offline=offline)


def _check_source(dependency: Place, catalogue: Catalogue, report: Report) -> None:
    """Check that a given EventSource produces the event; one that is not given may exist elsewhere."""
    source, event = dependency.text("eventSourceName"), dependency.text("eventName")
    found = catalogue.find("EventSource", source, dependency.resource.namespace)
    if found is None:
        known = catalogue.names("EventSource")
        if known:
            message = f'there is no EventSource "{source}" among the files given'
            hint = spelling.did_you_mean(source, known)
            report.warning("unknown-event", message, dependency.at("eventSourceName"), hint)
        return
    events = [name for _, name, _ in sources.events(found)]
    if event not in events:
        message = f'the EventSource "{source}" has no event "{event}"'
        report.error("unknown-event", message, dependency.at("eventName"), spelling.did_you_mean(event, events))


def _check_transform(place: Place, report: Report) -> None:
    if "jq" in place.mapping() and "script" in place.mapping():
        report.error("dependency", "jq and script exclude each other", place)


def _check_filters(place: Place, dependency: Place, report: Report) -> None:
    value = place.mapping()
    if place.text("cel"):
        compile_cel(place.at("cel"), report)
    for entry in place.items("exprs"):
        _check_expr(entry, report)
    for entry in place.items("data"):
        _check_data(entry, report)
    if value.get("time"):
        _check_time(place.at("time"), report)
    if value.get("context") is not None and not any(value["context"].values()):
        report.error("filter", "a context filter without any attribute lets nothing through", place.at("context"))
    kinds = [kind for kind in ("exprs", "data", "context", "time", "script", "cel") if value.get(kind)]
    if dependency.text("filtersLogicalOperator") == "or" and len(kinds) < 2:
        message = "or between one kind of filter has no effect"
        report.warning("filter-surprise", message, dependency.at("filtersLogicalOperator"))


def compile_cel(place: Place, report: Report) -> None:
    """Compile a filter as the sensor would."""
    try:
        program = filters_cel.compile_filter(place.text())
    except UserError as error:
        report.user_error("cel", error, place)
        return
    for problem in program.warnings:
        report.within("warning", "cel", problem.message, place, (problem.line, problem.column), problem.hint)


def _check_expr(place: Place, report: Report) -> None:
    try:
        govaluate.compile(place.text("expr"))
    except UserError as error:
        report.user_error("filter", error, place.at("expr"))
    if not place.mapping().get("fields"):
        message = "an expression without fields sees nothing of the event"
        report.error("filter", message, place, "fields: [{path: body.x, name: x}]")


def _check_data(place: Place, report: Report) -> None:
    value = place.mapping()
    comparator, kind = value.get("comparator") or "=", value["type"]
    if comparator == "!=" and len(value["value"]) > 1:
        message = "!= with several values is true for any event, since one of them always differs"
        report.warning("filter-surprise", message, place.at("value"), "use one entry for each value")
    if kind == "string" and comparator not in ("=", "!="):
        report.error("filter", f"texts are compared with = and !=, not {comparator}", place.at("comparator"))
    if kind == "bool" and "comparator" in value and comparator != "=":
        report.warning(
            "filter-surprise", "booleans are compared with = whatever the comparator", place.at("comparator")
        )
    for index, wanted in enumerate(value["value"]):
        _check_wanted(wanted, kind, place.at("value", index), report)
    if place.text("template"):
        try:
            Template(place.text("template"))
        except TemplateError as error:
            report.error("filter", str(error), place.at("template"))


def _check_wanted(wanted: str, kind: str, place: Place, report: Report) -> None:
    if kind == "number":
        try:
            float(wanted)
        except ValueError:
            report.error("filter", f"{wanted!r} is no number", place)
    elif kind == "bool" and wanted.lower() not in ("true", "false", "1", "0", "t", "f"):
        report.error("filter", f"{wanted!r} is neither true nor false", place)
    elif kind == "string":
        _check_pattern(wanted, place, report)


def _check_pattern(wanted: str, place: Place, report: Report) -> None:
    try:
        re2.compile(wanted)  # type: ignore[no-untyped-call]
    except re2.error as error:
        report.error("filter", f"{wanted!r} is no regular expression: {error}", place)
        return
    if wanted and not _PATTERN_CHARACTERS.search(wanted):
        message = f"this is a regular expression: it also matches texts that merely contain {wanted!r}"
        report.warning("filter-surprise", message, place, f'write "^{wanted}$" for the whole text')


def _check_time(place: Place, report: Report) -> None:
    for field in ("start", "stop"):
        if not _CLOCK.fullmatch(place.text(field)):
            report.error("filter", f"{place.text(field)!r} is no time of day", place.at(field), "write HH:MM:SS")
    if place.text("start") == place.text("stop"):
        report.error("filter", "start and stop are the same", place.at("stop"))
    try:
        zone_named(place.text("timezone"))
    except UserError as error:
        report.user_error("filter", error, place.at("timezone"))
