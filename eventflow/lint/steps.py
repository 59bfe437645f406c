"""Templates of steps. Source: Argo v4.1.2 workflow/validate/validate.go validateSteps."""

from eventflow.lint import calls
from eventflow.lint.catalogue import Template
from eventflow.lint.context import Context
from eventflow.lint.variables import NodeNames, Variables


def check(template: Template, nodes: dict[str, NodeNames], context: Context) -> None:
    """Check every step; one sees the steps of earlier groups."""
    before: set[str] = set()
    seen: set[str] = set()
    for index in range(len(template.value["steps"])):
        group = list(template.place.items("steps", index))
        variables = Variables(context.names, template, "steps", nodes, frozenset(before))
        for step in group:
            name = step.text("name")
            calls.check_name(step, name, "step", context.report)
            if name in seen:
                context.report.error("name", f'two steps are named "{name}"', step.at("name"))
            seen.add(name)
            calls.check(step, template, context, variables, "error")
        before |= {step.text("name") for step in group}
