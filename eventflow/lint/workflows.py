"""Workflows, templates of workflows and schedules as a whole. Source: Argo v4.1.2 workflow/validate/validate.go."""

from collections.abc import Iterable, Mapping
from typing import Any

from eventflow.lint import arguments, calls, durations, expressions, outputs, tags, templates
from eventflow.lint.catalogue import Catalogue, Spec, Template, Unresolved, named, spec_of
from eventflow.lint.context import Context, reachable, workflow_names
from eventflow.lint.findings import Place, Report
from eventflow.lint.variables import Variables
from eventflow.model.manifest import Resource

LONGEST_NAMES = {"CronWorkflow": 52}
LONGEST_NAME = 63
_OWN_CHECKS = frozenset({"templates", "templateDefaults", "arguments", "hooks", "metrics"})


def check(resource: Resource, catalogue: Catalogue, report: Report, *, offline: bool) -> None:
    """Check an object that holds a workflow spec."""
    _check_object_name(resource, report)
    spec = spec_of(resource)
    base = _base(spec, catalogue, report, offline=offline)
    names = workflow_names(spec, base, catalogue)
    context = Context(spec, base, catalogue, report, names, offline)
    arguments.check(
        spec.place.at("arguments"), report, may_be_empty=resource.kind != "CronWorkflow" or base is not None
    )
    _check_entry(context)
    _check_templates(context)
    _check_exits(context)
    _check_rest(context)
    _check_supplied_globals(context)


def _check_object_name(resource: Resource, report: Report) -> None:
    longest = LONGEST_NAMES.get(resource.kind, LONGEST_NAME)
    if len(resource.name) > longest:
        message = f"the name of a {resource.kind} has at most {longest} characters, this one {len(resource.name)}"
        report.error("name", message, Place(resource, ("metadata", "name")))


def _base(spec: Spec, catalogue: Catalogue, report: Report, *, offline: bool) -> Spec | None:
    """Return the spec that a workflowTemplateRef names; report why it cannot be used."""
    reference = spec.value.get("workflowTemplateRef")
    if reference is None:
        return None
    place = spec.place.at("workflowTemplateRef")
    if spec.templates:
        message = "a workflow with workflowTemplateRef has no templates of its own"
        report.error("workflow-template-ref", message, spec.place.at("templates"), "keep one of the two")
    found = catalogue.spec_of_reference(reference, spec.resource.namespace)
    if isinstance(found, Spec):
        return found
    nowhere = workflow_names(spec, None, catalogue)
    Context(spec, None, catalogue, report, nowhere, offline).unresolved(found, place)
    return None


def _check_entry(context: Context) -> None:
    """Check that the entrypoint exists and gets what it needs."""
    spec, base, report = context.spec, context.base, context.report
    name = str(spec.value.get("entrypoint") or (base.value.get("entrypoint") if base else "") or "")
    if not name:
        if not spec.is_template and (base is not None or "workflowTemplateRef" not in spec.value):
            report.error("entrypoint", "the workflow has no entrypoint", spec.place, "entrypoint: the template to run")
        return
    if base is None and "workflowTemplateRef" in spec.value:
        return
    place = spec.place.at("entrypoint") if "entrypoint" in spec.value else spec.place.at("workflowTemplateRef")
    found = named(base or spec, name)
    if isinstance(found, Unresolved):
        context.unresolved(found, place)
    elif not spec.is_template:
        arguments.check_supplied(
            spec.place.at("arguments"), found, report, at=place, extra=_base_arguments(base), only_missing=True
        )


def _base_arguments(base: Spec | None) -> Mapping[str, Any]:
    return base.place.mapping("arguments") if base else {}


def _check_templates(context: Context) -> None:
    spec, report = context.spec, context.report
    seen: set[str] = set()
    for place in spec.place.items("templates"):
        name = place.text("name")
        if name in seen and name:
            report.error("name", f'two templates are named "{name}"', place.at("name"))
        seen.add(name)
        templates.check_named(Template(spec, place), context)


def _check_exits(context: Context) -> None:
    """Check onExit and hooks of the whole workflow; with a workflowTemplateRef their templates are the base's."""
    spec, base, report = context.spec, context.base, context.report
    if base is None and "workflowTemplateRef" in spec.value:
        return
    home = base or spec
    name = spec.place.text("onExit")
    if name:
        found = named(home, name)
        if isinstance(found, Unresolved):
            context.unresolved(found, spec.place.at("onExit"))
        elif not spec.is_template:
            given = spec.place.at("arguments")
            arguments.check_supplied(
                given, found, report, at=spec.place.at("onExit"), extra=_base_arguments(base), only_missing=True
            )
    holder = Template(home, spec.place)
    for hook in spec.place.mapping("hooks"):
        place = spec.place.at("hooks", hook)
        calls.check_hook(place, hook, holder, context, Variables(context.names, holder))


def _check_rest(context: Context) -> None:
    """Check what a spec says beside its templates."""
    spec, report = context.spec, context.report
    templates.check_retry(spec.place.at("retryStrategy"), report)
    templates.check_locks(spec.place.at("synchronization"), report)
    templates.check_pod_resources(spec.place.at("podResources"), report)
    durations.check(spec.place.at("podGC", "deleteDelayDuration"), report, bare=False)
    for metric in spec.place.items("metrics", "prometheus"):
        outputs.check_metric(metric, report)
    for label in spec.place.mapping("workflowMetadata", "labelsFrom"):
        expressions.field(report, spec.place.at("workflowMetadata", "labelsFrom", label, "expression"))
    for place, text in tags.texts(spec.place, without=_OWN_CHECKS):
        for tag in tags.find(text):
            root, _, rest = tag.text.partition(".")
            unknown = context.names.unknown(rest) if root == "workflow" and not tag.expression else None
            if unknown is not None:
                where = tags.line_and_column(text, tag.offset)
                report.within("warning", unknown.rule, unknown.message, place, where, unknown.hint)


def _check_supplied_globals(context: Context) -> None:
    """Check that templates of others, which this workflow calls, find the workflow parameters that they use."""
    if context.spec.is_template or context.names.parameters is None:
        return
    specs = [each for each in (context.spec, context.base) if each is not None]
    own = {each.resource.name for each in specs}
    missing: dict[str, str] = {}
    for template in reachable(specs, context.catalogue):
        if template is None or template.spec.resource.name in own:
            continue
        for name in _workflow_parameters(template.place):
            if name not in context.names.parameters:
                missing.setdefault(name, template.spec.resource.name)
    for name, home in missing.items():
        message = f'a template of "{home}" uses the workflow parameter "{name}", which is not given here'
        context.report.error("missing-argument", message, context.spec.place, f"add it to arguments.parameters: {name}")


def _workflow_parameters(template: Place) -> Iterable[str]:
    prefix = "workflow.parameters."
    for _, text in tags.texts(template):
        for tag in tags.find(text):
            if tag.text.startswith(prefix) and not tag.expression and tag.text != prefix + "json":
                yield tag.text.removeprefix(prefix)
