"""Triggers of a sensor: conditions, parameters, and the workflows they start."""

from collections.abc import Callable, Sequence

from eventflow.errors import UserError
from eventflow.expressions.cel import engine as cel
from eventflow.expressions.cron import Schedule
from eventflow.lint import workflows
from eventflow.lint.catalogue import SPEC_PATHS, Catalogue, Spec, Unresolved, named
from eventflow.lint.findings import Place, Report
from eventflow.model import manifest, spelling
from eventflow.model.problems import ManifestError
from eventflow.sensors import conditions
from eventflow.triggers import resolve
from eventflow.triggers.backoff import Backoff

PARAMETER_LISTS = ("parameters", "payload", "dynamicHeaders")
SHARED = ("name", "conditions", "conditionsReset")


def check(trigger: Place, names: Sequence[str], catalogue: Catalogue, report: Report, *, offline: bool) -> None:
    """Check one trigger, and the one that runs after it has failed. `names` are the sensor's dependencies."""
    template = trigger.at("template")
    condition = template.at("conditions")
    _try("conditions", condition, report, lambda: conditions.parse(condition.text(), names))
    for reset in template.items("conditionsReset"):
        _check_reset(reset.at("byTime"), report)
    _try("trigger", trigger.at("retryStrategy"), report, lambda: Backoff.parse(trigger.mapping().get("retryStrategy")))
    if trigger.mapping("rateLimit").get("requestsPerUnit", 1) <= 0:
        report.error("trigger", "requestsPerUnit must be above zero", trigger.at("rateLimit", "requestsPerUnit"))
    _check_parameters(trigger.at("parameters"), names, report)
    kinds = [field for field in template.mapping() if field not in SHARED]
    if len(kinds) != 1:
        message = f"{' and '.join(kinds)} exclude each other" if kinds else "the trigger says not what to do"
        report.error("trigger", message, template, "give it one of argoWorkflow, http, k8s, log …")
        return
    kind = kinds[0]
    action = template.at(kind)
    edited = bool(trigger.mapping().get("parameters"))
    for field in PARAMETER_LISTS:
        _check_parameters(action.at(field), names, report, whole=field == "payload", edited=edited)
    if kind == "argoWorkflow":
        _check_workflow(action, names, catalogue, report, offline=offline)
    elif kind == "k8s" and "source" not in action.mapping():
        report.error("trigger", "the trigger has no source", action, "source: {resource: …}")
    elif kind == "http" and "allow" not in trigger.mapping("policy", "status"):
        message = "without policy.status every HTTP status counts as success"
        report.warning("status-unchecked", message, action, "policy: {status: {allow: [200]}}")
    if trigger.mapping("dlqTrigger"):
        check(trigger.at("dlqTrigger"), names, catalogue, report, offline=offline)


def _check_reset(place: Place, report: Report) -> None:
    if not place.text("cron"):
        report.error("schedule", "conditionsReset needs byTime with a cron schedule", place)
        return
    _try("schedule", place.at("cron"), report, lambda: Schedule.parse(place.text("cron"), place.text("timezone")))


def _try(rule: str, place: Place, report: Report, attempt: Callable[[], object]) -> None:
    try:
        attempt()
    except UserError as error:
        report.user_error(rule, error, place)


def _check_parameters(
    place: Place, names: Sequence[str], report: Report, *, whole: bool = False, edited: bool = False
) -> None:
    """Check a list of parameters.

    `whole`: an empty dest stands for the payload as a whole. `edited`: parameters of the trigger may change these.
    """
    for parameter in place.items():
        source = parameter.at("src")
        value = source.mapping()
        name = source.text("dependencyName")
        if not name and "cel" not in value and len(names) != 1:
            report.error("trigger-parameter", "src needs a dependencyName", source, f"one of {', '.join(names)}")
        elif name and name not in names:
            hint = spelling.did_you_mean(name, names)
            tell = report.warning if edited else report.error
            tell("trigger-parameter", f'there is no dependency "{name}"', source.at("dependencyName"), hint)
        if not parameter.text("dest") and not whole:
            report.error("trigger-parameter", "the parameter needs a dest", parameter, "dest: spec.arguments.…")
        if source.text("cel"):
            _check_cel(source.at("cel"), names, report)
        if {"dataKey", "dataTemplate"} & value.keys() and {"contextKey", "contextTemplate"} & value.keys():
            message = "with both, data… is read and context… is not"
            report.warning("trigger-parameter", message, source)


def _check_cel(place: Place, names: Sequence[str], report: Report) -> None:
    try:
        program = cel.compile(place.text(), variables=resolve.CEL_VARIABLES)
    except UserError as error:
        report.user_error("cel", error, place)
        return
    for path in program.paths:
        if len(path) > 1 and path[0] == "deps" and path[1] not in names:
            hint = spelling.did_you_mean(str(path[1]), names)
            report.error("cel", f'there is no dependency "{path[1]}"', place, hint)
    for problem in program.warnings:
        report.within("warning", "cel", problem.message, place, (problem.line, problem.column), problem.hint)


def _check_workflow(
    action: Place, names: Sequence[str], catalogue: Catalogue, report: Report, *, offline: bool
) -> None:
    operation = action.text("operation")
    if not operation:
        report.error("trigger", "the trigger has no operation", action, "operation: submit")
    if "source" not in action.mapping():
        report.error("trigger", "the trigger has no source", action, "source: {resource: …}")
    for name in action.mapping("arguments"):
        if action.mapping("arguments", name):
            _check_cel(action.at("arguments", name, "cel"), names, report)
    resource = action.at("source", "resource")
    if operation == "submit-from":
        _check_submit_from(resource, catalogue, report)
    elif operation == "submit" and resource.mapping():
        _check_submitted(resource, action, catalogue, report, offline=offline)


def _check_submit_from(resource: Place, catalogue: Catalogue, report: Report) -> None:
    kind, name = resource.text("kind"), resource.text("metadata", "name")
    known = catalogue.names(kind)
    if name and known and name not in known:
        message = f'there is no {kind} "{name}" among the files given'
        report.warning("unknown-template", message, resource, spelling.did_you_mean(name, known))


def _check_submitted(place: Place, action: Place, catalogue: Catalogue, report: Report, *, offline: bool) -> None:
    """Check the workflow inside a trigger as one of its own; parameters may still change it."""
    try:
        inner = manifest.read(place.resource.document.at(place.path))
    except ManifestError as error:
        for problem in error.problems:
            report.add("error", "trigger", problem.message, place, problem.location, problem.hint)
        return
    if inner.kind not in SPEC_PATHS:
        report.error("trigger", f"a {inner.kind} cannot be submitted", place.at("kind"), "kind: Workflow")
        return
    own = Report()
    workflows.check(inner, catalogue, own, offline=offline)
    changed = action.mapping().get("parameters") or action.mapping().get("arguments")
    report.findings.extend(each for each in own.findings if not (changed and each.rule == "missing-argument"))
    _check_given(inner, action, catalogue, report)


def _check_given(inner: manifest.Resource, action: Place, catalogue: Catalogue, report: Report) -> None:
    """Check that `arguments` of the trigger are parameters of the workflow that it starts."""
    given = action.mapping("arguments")
    spec = Spec(Place(inner, SPEC_PATHS[inner.kind]))
    reference = spec.value.get("workflowTemplateRef")
    base = catalogue.spec_of_reference(reference, inner.namespace) if reference else None
    if not given or isinstance(base, Unresolved):
        return
    known = {*arguments_of(spec), *(arguments_of(base) if base else ())}
    for name in given:
        if name not in known:
            hint = spelling.did_you_mean(name, known)
            report.warning(
                "unknown-argument", f'the workflow has no parameter "{name}"', action.at("arguments", name), hint
            )


def arguments_of(spec: Spec) -> set[str]:
    """Return the names of a spec's own parameters, and of the inputs of its entrypoint."""
    found = {parameter.text("name") for parameter in spec.place.items("arguments", "parameters")}
    entry = named(spec, spec.place.text("entrypoint"))
    if not isinstance(entry, Unresolved):
        found |= {parameter.text("name") for parameter in entry.place.items("inputs", "parameters")}
    return found
