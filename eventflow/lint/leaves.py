"""Templates that run something themselves. Source: Argo v4.1.2 validateLeaf, ContainerSetTemplate.Validate."""

import posixpath
from collections.abc import Mapping
from typing import Any

from eventflow.errors import UserError
from eventflow.lint import calls, dags, durations, expressions
from eventflow.lint.catalogue import Template, parameters
from eventflow.lint.context import Context
from eventflow.lint.findings import Place, Report
from eventflow.model import yaml_loader

RESERVED_CONTAINERS = ("wait", "supervisor")


def check(template: Template, context: Context) -> None:
    """Check what is particular to a type of leaf template, or to suspend."""
    report = context.report
    if template.type in ("container", "script"):
        _check_container(template.place.at(template.type), template, report)
    elif template.type == "containerSet":
        _check_container_set(template, report)
    elif template.type == "resource":
        _check_resource(template, report)
    elif template.type == "http":
        expressions.field(report, template.place.at("http", "successCondition"))
    elif template.type == "data":
        for step in template.place.items("data", "transformation"):
            expressions.field(report, step.at("expression"))
    elif template.type == "suspend":
        durations.check(template.place.at("suspend", "duration"), report, bare=True)
    _check_others(template, report)
    durations.check(template.place.at("memoize", "maxAge"), report, bare=False)


def check_artifact_path(artifact: Place, template: Template, direction: str, report: Report) -> None:
    """Check the path of an input or output artifact: leaf templates need one, others have none."""
    path = artifact.text("path")
    name = artifact.text("name")
    if not template.is_leaf:
        if path:
            message = f"{direction} of a {template.type} template have no path"
            report.error("artifact-path", message, artifact.at("path"), "the templates that it runs have paths")
        return
    if not path:
        report.error("artifact-path", f'artifact "{name}" needs a path', artifact, "path: /tmp/…")
    elif _escapes(path):
        report.error("artifact-path", f"{path!r} leads out of its directory", artifact.at("path"), 'remove ".."')


def _escapes(path: str) -> bool:
    """Tell whether what follows a `..` may leave the directory before it (Argo v4.1.2 Artifact.CleanPath)."""
    before, dots, _ = (path + "/").partition("/../")
    cleaned = posixpath.normpath(path)
    return bool(dots and before) and not cleaned.startswith(before + "/")


def _check_container(place: Place, template: Template, report: Report) -> None:
    value = place.mapping()
    defaults = (template.spec.value.get("templateDefaults") or {}).get(template.type) or {}
    if not value.get("image") and not defaults.get("image"):
        message = "the container has no image, so only the process runtime can run it"
        report.warning("image", message, place, "image: alpine:3.23")
    if template.type == "script" and "source" not in value and "source" not in defaults:
        report.warning("template-type", "the script is empty", place, "source: the script's text")
    taken: dict[str, str] = {}
    for mount in place.items("volumeMounts"):
        _take(taken, mount.text("mountPath"), f'volume "{mount.text("name")}"', mount.at("mountPath"), report)
    for artifact in template.place.items("inputs", "artifacts"):
        if artifact.text("path"):
            _take(taken, artifact.text("path"), f'artifact "{artifact.text("name")}"', artifact.at("path"), report)


def _take(taken: dict[str, str], path: str, by: str, place: Place, report: Report) -> None:
    if path in taken:
        report.error("volume", f"{path} is taken by {taken[path]} already", place)
    taken.setdefault(path, by)


def _check_others(template: Template, report: Report) -> None:
    for container in template.place.items("initContainers"):
        if not container.text("name"):
            report.error("name", "an init container needs a name", container)
    for sidecar in template.place.items("sidecars"):
        _refuse_reserved(sidecar, report)


def _refuse_reserved(container: Place, report: Report) -> None:
    name = container.text("name")
    if name in RESERVED_CONTAINERS:
        report.error("name", f'"{name}" is a container of Argo itself', container.at("name"), "choose another name")


def _check_container_set(template: Template, report: Report) -> None:
    place = template.place.at("containerSet")
    containers = list(place.items("containers"))
    names = [container.text("name") for container in containers]
    if not containers:
        report.error("container-set", "a container set needs at least one container", place)
    for index, container in enumerate(containers):
        calls.check_name(container, names[index], "container", report)
        _refuse_reserved(container, report)
        if names[index] in names[:index]:
            report.error("name", f'two containers are named "{names[index]}"', container.at("name"))
        for number, dependency in enumerate(container.mapping().get("dependencies") or ()):
            if dependency not in names:
                where = container.at("dependencies", number)
                report.error("container-set", f'there is no container "{dependency}"', where)
    _check_container_order(place, containers, report)
    transfers = any(parameters(template.value, *kind) for kind in _TRANSFERS)
    if transfers and "main" not in names:
        message = "inputs and outputs belong to a container named main"
        report.error("container-set", message, place, "name one of the containers main")
    durations.check(place.at("retryStrategy", "duration"), report, bare=False)


_TRANSFERS = (("inputs", "artifacts"), ("outputs", "parameters"), ("outputs", "artifacts"))


def _check_container_order(place: Place, containers: list[Place], report: Report) -> None:
    graph = {each.text("name"): [str(name) for name in each.mapping().get("dependencies") or ()] for each in containers}
    for cycle in dags.cycles(graph):
        report.error("dependency-cycle", f"containers wait for each other: {' -> '.join(cycle)}", place)
    taken: dict[str, str] = {}
    for mount in place.items("volumeMounts"):
        _take(taken, mount.text("mountPath"), f'volume "{mount.text("name")}"', mount.at("mountPath"), report)


def _check_resource(template: Template, report: Report) -> None:
    place = template.place.at("resource")
    value = place.mapping()
    if value["action"] in ("get", "delete"):
        return
    if ("manifest" in value) == ("manifestFrom" in value):
        report.error("resource", f"{value['action']} takes either manifest or manifestFrom", place)
    artifact = place.text("manifestFrom", "artifact", "name")
    if artifact and artifact not in parameters(template.value, "inputs", "artifacts"):
        message = f'there is no input artifact "{artifact}"'
        report.error("resource", message, place.at("manifestFrom", "artifact", "name"))
    _check_manifest(place.at("manifest"), value, report)


def _check_manifest(place: Place, value: Mapping[str, Any], report: Report) -> None:
    """Check that a manifest without tags is YAML; what stands in for a tag is known only later."""
    text = value.get("manifest")
    if not isinstance(text, str) or "{{" in text:
        return
    try:
        yaml_loader.load(text, place.resource.document.file)
    except UserError as error:
        report.user_error("resource", error, place)
