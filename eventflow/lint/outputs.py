"""Outputs and metrics of a template. Source: Argo v4.1.2 validate.go validateOutputs, workflow/metrics."""

import re

from eventflow.lint import arguments, expressions, leaves
from eventflow.lint.catalogue import Template
from eventflow.lint.findings import Place, Report
from eventflow.lint.variables import Variables

METRIC_NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
SOURCES = ("path", "jqFilter", "jsonPath", "parameter", "expression", "supplied", "event", "configMapKeyRef")
_NEEDED = {
    "container": ("path",),
    "script": ("path",),
    "containerSet": ("path",),
    "resource": ("jqFilter", "jsonPath"),
    "steps": ("parameter", "expression"),
    "dag": ("parameter", "expression"),
}


def check(template: Template, variables: Variables, report: Report) -> None:
    """Check the outputs and metrics of a template."""
    place = template.place.at("outputs")
    arguments.check_names(place, report)
    for parameter in place.items("parameters"):
        _check_parameter(parameter, template, variables, report)
        _check_global_name(parameter, report)
    for artifact in place.items("artifacts"):
        leaves.check_artifact_path(artifact, template, "outputs", report)
        _check_global_name(artifact, report)
        expressions.field(report, artifact.at("fromExpression"), variables)
    for metric in template.place.items("metrics", "prometheus"):
        check_metric(metric, report)


def _check_parameter(parameter: Place, template: Template, variables: Variables, report: Report) -> None:
    value = parameter.mapping()
    name = value["name"]
    if "value" in value and "valueFrom" in value:
        report.error("outputs", "value and valueFrom exclude each other", parameter)
    if "value" in value:
        return
    if "valueFrom" not in value:
        report.error("outputs", f'output "{name}" says not where its value comes from', parameter, "add valueFrom")
        return
    source = value["valueFrom"]
    found = [kind for kind in SOURCES if kind in source]
    needed = _NEEDED.get(template.type, ())
    where = parameter.at("valueFrom")
    if len(found) > 1:
        report.error("outputs", f"{' and '.join(found)} exclude each other", where)
    elif not found:
        report.error("outputs", "valueFrom is empty", where, f"give it {' or '.join(needed or SOURCES[:-2])}")
    elif needed and found[0] not in needed:
        message = f"an output of a {template.type} template has no {found[0]}"
        report.error("outputs", message, where.at(found[0]), f"use {' or '.join(needed)}")
    expressions.field(report, where.at("expression"), variables)


def _check_global_name(output: Place, report: Report) -> None:
    name = output.text("globalName")
    if name and "{{" not in name and not arguments.NAME.fullmatch(name):
        report.error("name", f"{name!r} is no name for a global output", output.at("globalName"))


def check_metric(metric: Place, report: Report) -> None:
    """Check a Prometheus metric; also those of a whole workflow."""
    value = metric.mapping()
    if not METRIC_NAME.fullmatch(metric.text("name")):
        report.error(
            "metric", f"{value['name']!r} is no name for a metric", metric.at("name"), "use letters, digits, _"
        )
    if not metric.text("help"):
        report.error("metric", f'metric "{value["name"]}" needs a help text', metric)
    for label in metric.items("labels"):
        if not METRIC_NAME.fullmatch(label.text("key")):
            report.error("metric", f"{label.text('key')!r} is no name for a label", label.at("key"))
    kinds = [kind for kind in ("counter", "gauge", "histogram") if kind in value]
    if len(kinds) != 1:
        report.error("metric", "a metric is one of counter, gauge and histogram", metric)
        return
    if metric.text(kinds[0], "value") == "":
        report.error("metric", f"the {kinds[0]} has no value", metric.at(kinds[0]))
    if value["gauge"].get("realtime") if "gauge" in value else False:
        _check_realtime(metric, report)
    expressions.when(metric.at("when"), report)


def _check_realtime(metric: Place, report: Report) -> None:
    if "resourcesDuration" in metric.text("gauge", "value"):
        message = "a realtime gauge cannot show resourcesDuration, which is known at the end"
        report.error("metric", message, metric.at("gauge", "value"))
