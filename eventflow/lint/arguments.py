"""Arguments against inputs. Source: Argo v4.1.2 workflow/validate validateArguments, workflow/common ProcessArgs."""

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from eventflow.lint.catalogue import Template, parameters
from eventflow.lint.findings import Place, Report
from eventflow.model import spelling

NAME = re.compile(r"[-a-zA-Z0-9_]+")
LOCATIONS = ("s3", "git", "http", "artifactory", "hdfs", "raw", "oss", "gcs", "azure", "plugin")
_NOTHING: Mapping[str, Any] = MappingProxyType({})
_FOREIGN_SOURCES = ("path", "jsonPath", "parameter", "expression")


def check(place: Place, report: Report, *, may_be_empty: bool = False) -> None:
    """Check a list of arguments: names, and that each has a value. `may_be_empty`: it may come on submission."""
    check_names(place, report)
    for argument in place.items("parameters"):
        _check_parameter(argument, report, may_be_empty=may_be_empty)
    for artifact in place.items("artifacts"):
        value = artifact.mapping()
        if "from" in value and "fromExpression" in value:
            report.error("argument-value", "from and fromExpression exclude each other", artifact)
        elif not has_source(value):
            message = f'artifact "{value.get("name")}" has no source'
            report.error("argument-value", message, artifact, "give it from, fromExpression or a location")


def check_names(place: Place, report: Report) -> None:
    """Check that parameters, and artifacts, have proper and different names."""
    for kind in ("parameters", "artifacts"):
        seen: set[str] = set()
        for item in place.items(kind):
            name = item.text("name")
            if not NAME.fullmatch(name) and "{{" not in name:
                message = f"{name!r} is no name for a {kind[:-1]}" if name else f"a {kind[:-1]} needs a name"
                report.error("name", message, item.at("name"), "use letters, digits, - and _")
            elif name in seen:
                report.error("name", f'two {kind} are named "{name}"', item.at("name"))
            seen.add(name)


def has_source(artifact: Mapping[str, Any]) -> bool:
    """Tell whether an artifact says where it comes from."""
    return "from" in artifact or "fromExpression" in artifact or has_location(artifact)


def has_location(artifact: Mapping[str, Any]) -> bool:
    """Tell whether an artifact says where it is kept."""
    return any(kind in artifact for kind in LOCATIONS)


def _check_parameter(place: Place, report: Report, *, may_be_empty: bool) -> None:
    value = place.mapping()
    source = value.get("valueFrom")
    name = value.get("name")
    if source is None and "value" not in value:
        if not may_be_empty and "default" not in value:
            report.error("argument-value", f'argument "{name}" has no value', place, "give it value or valueFrom")
        return
    if source is not None and not {"configMapKeyRef", "event", "supplied"} & source.keys():
        wrong = next((kind for kind in _FOREIGN_SOURCES if kind in source), None)
        message = f"valueFrom.{wrong} is for outputs" if wrong else "valueFrom says not from where"
        report.error("argument-value", message, place.at("valueFrom"), "use configMapKeyRef or supplied here")
    _check_enum(place, value, report)


def _check_enum(place: Place, value: Mapping[str, Any], report: Report) -> None:
    allowed = value.get("enum")
    if allowed is None:
        return
    if not allowed:
        report.error("argument-value", "enum must have at least one value", place.at("enum"))
    given = value.get("value")
    if given is not None and "{{" not in given and given not in allowed:
        hint = spelling.did_you_mean(given, allowed)
        report.error("argument-value", f"{given!r} is none of the values in enum", place.at("value"), hint)


def check_supplied(
    given: Place,
    template: Template,
    report: Report,
    *,
    at: Place,
    extra: Mapping[str, Any] = _NOTHING,
    only_missing: bool = False,
) -> None:
    """Check that arguments give every input that needs one, and nothing else.

    `extra` are arguments that come from elsewhere. `only_missing`: what is too much has a use of its own (workflow
    arguments are global variables too).
    """
    inputs = parameters(template.value, "inputs", "parameters")
    artifacts = parameters(template.value, "inputs", "artifacts")
    supplied = parameters(given.mapping(), "parameters") | parameters(extra, "parameters")
    supplied_artifacts = parameters(given.mapping(), "artifacts") | parameters(extra, "artifacts")
    called = f'template "{template.place.text("name")}"' if template.place.text("name") else "the inline template"
    for name, declared in inputs.items():
        if name not in supplied and not {"value", "default", "valueFrom"} & declared.keys():
            report.error(
                "missing-argument", f'{called} needs the parameter "{name}"', at, f"add it to arguments: {name}"
            )
    for name, declared in artifacts.items():
        if name not in supplied_artifacts and not declared.get("optional") and not has_location(declared):
            report.error(
                "missing-argument", f'{called} needs the artifact "{name}"', at, f"add it to arguments: {name}"
            )
    if not only_missing:
        _check_surplus(given, "parameters", inputs, called, report)
        _check_surplus(given, "artifacts", artifacts, called, report)


def _check_surplus(given: Place, kind: str, known: Mapping[str, Any], called: str, report: Report) -> None:
    for item in given.items(kind):
        name = item.text("name")
        if name and name not in known and "{{" not in name:
            hint = spelling.did_you_mean(name, known)
            report.warning("unknown-argument", f'{called} has no input {kind[:-1]} "{name}"', item.at("name"), hint)
