"""What the checks of one workflow spec share."""

from collections.abc import Iterable
from dataclasses import dataclass

from eventflow.lint.catalogue import Catalogue, Spec, Template, Unresolved, parameters
from eventflow.lint.findings import Place, Report
from eventflow.lint.variables import WorkflowNames
from eventflow.model import spelling


@dataclass(frozen=True, slots=True)
class Context:
    """A spec under the linter. `base` is the spec that its workflowTemplateRef names."""

    spec: Spec
    base: Spec | None
    catalogue: Catalogue
    report: Report
    names: WorkflowNames
    offline: bool

    def unresolved(self, found: Unresolved, place: Place) -> None:
        """Report a reference that leads nowhere; offline, what is not among the files may still exist."""
        hint = spelling.did_you_mean(found.wanted, found.hint_from)
        if found.outside and self.offline:
            self.report.warning("unknown-template", found.message, place, hint)
        else:
            self.report.error("unknown-template", found.message, place, hint)


def workflow_names(spec: Spec, base: Spec | None, catalogue: Catalogue) -> WorkflowNames:
    """Return the variables under `workflow.` that a spec's templates may use."""
    specs = [each for each in (spec, base) if each is not None]
    missing_base = "workflowTemplateRef" in spec.value and base is None
    open_ended = spec.is_template or missing_base
    outputs = None if missing_base else _global_outputs(specs, catalogue)
    return WorkflowNames(
        parameters=None
        if open_ended
        else {name for each in specs for name in parameters(each.value, "arguments", "parameters")},
        labels=None if open_ended else _metadata(specs, "labels", "labelsFrom"),
        annotations=None if open_ended else _metadata(specs, "annotations"),
        output_parameters=outputs and outputs[0],
        output_artifacts=outputs and outputs[1],
        priority=open_ended or any("priority" in each.value for each in specs),
        exits=open_ended or any("onExit" in each.value or "hooks" in each.value for each in specs),
    )


def _metadata(specs: Iterable[Spec], *fields: str) -> set[str]:
    names: set[str] = set()
    for spec in specs:
        manifest = spec.resource.manifest
        holders = [spec.value.get("workflowMetadata") or {}]
        if spec.resource.kind == "CronWorkflow":
            holders.append(manifest["spec"].get("workflowMetadata") or {})
        else:
            holders.append(manifest["metadata"])
        for holder in holders:
            for field in fields:
                names |= set(holder.get(field) or {})
    return names


def _global_outputs(specs: list[Spec], catalogue: Catalogue) -> tuple[set[str] | None, set[str] | None] | None:
    """Return the global names that any template in reach exports; None for a kind where a tag makes up the name."""
    found: dict[str, set[str] | None] = {"parameters": set(), "artifacts": set()}
    for template in reachable(specs, catalogue):
        if template is None:
            return None
        for kind in found:
            for output in parameters(template.value, "outputs", kind).values():
                name = output.get("globalName")
                if name and "{{" in name:
                    found[kind] = None
                elif name and found[kind] is not None:
                    found[kind].add(name)  # type: ignore[union-attr]
    return found["parameters"], found["artifacts"]


def reachable(specs: list[Spec], catalogue: Catalogue) -> Iterable[Template | None]:
    """Give every template of the specs and what these call, once; None for each call whose target is unknown."""
    waiting = [Template(spec, place) for spec in specs for place in spec.templates.values()]
    seen: set[tuple[int, tuple[str | int, ...]]] = set()
    while waiting:
        template = waiting.pop()
        identity = (id(template.place.resource), template.place.path)
        if identity in seen:
            continue
        seen.add(identity)
        yield template
        for call in calls(template.place):
            found = catalogue.resolve(call, template.spec)
            if isinstance(found, Template):
                waiting.append(found)
            else:
                yield None


def calls(template: Place) -> Iterable[Place]:
    """Give the steps or tasks of a template, and their hooks."""
    for call in direct_calls(template):
        yield call
        yield from (call.at("hooks", name) for name in call.mapping("hooks"))


def direct_calls(template: Place) -> Iterable[Place]:
    """Give the steps or tasks of a template."""
    groups = template.mapping().get("steps")
    for index in range(len(groups)) if isinstance(groups, list) else ():
        yield from template.items("steps", index)
    yield from template.items("dag", "tasks")
