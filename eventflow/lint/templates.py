"""Templates: their type, inputs, outputs and what is said around them. Source: Argo v4.1.2 validate.go."""

from eventflow.lint import arguments, calls, dags, durations, expressions, leaves, outputs, steps
from eventflow.lint.catalogue import POD_TYPES, TYPES, Template
from eventflow.lint.context import Context, direct_calls
from eventflow.lint.findings import Place, Report
from eventflow.lint.variables import Variables


def check(template: Template, context: Context) -> None:
    """Check a template and everything in it, inline templates included."""
    report = context.report
    if not _check_type(template, report):
        return
    _check_inputs(template, report)
    _check_fields(template, report)
    check_retry(template.place.at("retryStrategy"), report)
    check_locks(template.place.at("synchronization"), report)
    nodes = calls.nodes(template, context)
    prefix = {"steps": "steps", "dag": "tasks"}.get(template.type, "")
    variables = Variables(context.names, template, prefix, nodes)
    if template.type == "steps":
        steps.check(template, nodes, context)
    elif template.type == "dag":
        dags.check(template, nodes, context)
    else:
        leaves.check(template, context)
    expressions.Checker(variables, report).below(template.place, without=frozenset({"steps", "dag"}))
    expressions.Checker(variables, report).below(template.place.at("dag", "target"))
    outputs.check(template, variables, report)
    for call in direct_calls(template.place):
        if "inline" in call.mapping():
            _check_inline(call.at("inline"), template, context)


def _check_inline(place: Place, outer: Template, context: Context) -> None:
    """Check an inline template's own rules; its tags were looked at with the step or task around it."""
    inline = Template(outer.spec, place)
    if not _check_type(inline, context.report):
        return
    if inline.type in ("steps", "dag"):
        check(inline, context)
        return
    _check_inputs(inline, context.report)
    _check_fields(inline, context.report)
    check_retry(place.at("retryStrategy"), context.report)
    leaves.check(inline, context)
    outputs.check(inline, Variables(context.names, inline), context.report)


def _check_type(template: Template, report: Report) -> bool:
    found = [name for name in TYPES if name in template.value]
    if len(found) == 1:
        return True
    listed = ", ".join(TYPES)
    if found:
        message = f"a template has one type, this one has {' and '.join(found)}"
        report.error("template-type", message, template.place, f"keep one of {', '.join(found)}")
    else:
        report.error("template-type", "the template has no type", template.place, f"give it one of {listed}")
    return False


def _check_inputs(template: Template, report: Report) -> None:
    arguments.check_names(template.place.at("inputs"), report)
    for artifact in template.place.items("inputs", "artifacts"):
        value = artifact.mapping()
        if "from" in value:
            report.error("inputs", "from belongs to arguments, not to inputs", artifact.at("from"))
        leaves.check_artifact_path(artifact, template, "inputs", report)
        if "git" in value and not value["git"].get("repo"):
            report.error("inputs", "git.repo is missing", artifact.at("git"))
    for parameter in template.place.items("inputs", "parameters"):
        if parameter.mapping().get("enum") == []:
            report.error("argument-value", "enum must have at least one value", parameter.at("enum"))


def _check_fields(template: Template, report: Report) -> None:
    """Check fields that only some types of template have."""
    for field in ("timeout", "pendingTimeout"):
        durations.check(template.place.at(field), report, bare=False)
        if not template.is_leaf and field in template.value:
            message = f"a {template.type} template cannot have a {field}"
            report.error("misplaced-field", message, template.place.at(field), "set it on what it runs")
    if "activeDeadlineSeconds" in template.value:
        if template.type in ("steps", "dag"):
            message = f"a {template.type} template cannot have activeDeadlineSeconds"
            hint = "set it on what it runs, or on the workflow"
            report.error("misplaced-field", message, template.place.at("activeDeadlineSeconds"), hint)
        durations.check_count(template.place.at("activeDeadlineSeconds"), report)
    if "parallelism" in template.value and template.type not in ("steps", "dag"):
        message = "parallelism is for steps and DAGs"
        report.error("misplaced-field", message, template.place.at("parallelism"), "set it on the template that calls")
    if template.type in ("http", "plugin") and "podResources" in template.value:
        message = f"a {template.type} template makes no pod that could have resources"
        report.error("misplaced-field", message, template.place.at("podResources"))
    check_pod_resources(template.place.at("podResources"), report)
    if template.type not in POD_TYPES and "resourceClaims" in template.value:
        message = f"a {template.type} template makes no pod that could claim resources"
        report.error("misplaced-field", message, template.place.at("resourceClaims"))


def check_pod_resources(place: Place, report: Report) -> None:
    """Check resources of a whole pod; also those of a whole workflow."""
    if "claims" in place.mapping():
        report.error("misplaced-field", "podResources takes no claims", place.at("claims"), "use resourceClaims")
    for kind in ("limits", "requests"):
        for name in place.mapping(kind):
            if name not in ("cpu", "memory") and not name.startswith("hugepages-"):
                message = f'"{name}" is no resource of a pod as a whole'
                report.error("misplaced-field", message, place.at(kind, name), "cpu, memory and hugepages-* are")


def check_retry(place: Place, report: Report) -> None:
    """Check a retryStrategy; also that of a whole workflow."""
    for field in ("duration", "maxDuration", "cap"):
        durations.check(place.at("backoff", field), report, bare=True)
    durations.check_count(place.at("limit"), report)
    durations.check_count(place.at("backoff", "factor"), report)
    if place.mapping("backoff") and not place.mapping("backoff").get("duration"):
        report.error("duration", "backoff needs a duration", place.at("backoff"), "duration: 10s")
    expressions.field(report, place.at("expression"))


def check_locks(place: Place, report: Report) -> None:
    """Check mutexes and semaphores; also those of a whole workflow."""
    for mutex in place.items("mutexes"):
        if not mutex.text("name"):
            report.error("lock", "a mutex needs a name", mutex)
    for semaphore in place.items("semaphores"):
        value = semaphore.mapping()
        if ("configMapKeyRef" in value) == ("database" in value):
            message = "a semaphore takes its limit either from configMapKeyRef or from database"
            report.error("lock", message, semaphore)


def check_named(template: Template, context: Context) -> None:
    """Check a template of a spec's list."""
    calls.check_name(template.place, template.place.text("name"), "template", context.report)
    check(template, context)
