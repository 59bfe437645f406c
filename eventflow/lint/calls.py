"""Steps, tasks and hooks: what they run, with which arguments, how often and when."""

import re
from collections.abc import Collection, Mapping
from dataclasses import replace

from eventflow.lint import arguments, expressions
from eventflow.lint.catalogue import Template, Unresolved
from eventflow.lint.context import Context, direct_calls
from eventflow.lint.findings import Place, Report, Severity
from eventflow.lint.variables import Item, NodeNames, Variables

NAME = re.compile(r"[a-zA-Z0-9][-a-zA-Z0-9]*")
LONGEST_NAME = 128
LOOPS = ("withItems", "withParam", "withSequence")


def check_name(place: Place, name: str, word: str, report: Report) -> None:
    """Check the name of a template, step, task or container."""
    bare = re.sub(r"\{\{.*?\}\}", "x", name)
    if not bare:
        report.error("name", f"a {word} needs a name", place)
    elif not NAME.fullmatch(bare):
        message = f"{name!r} is no name for a {word}"
        report.error("name", message, place.at("name"), "use letters, digits and -, beginning with a letter or digit")
    elif len(bare) > LONGEST_NAME:
        report.error("name", f"the name is longer than {LONGEST_NAME} characters", place.at("name"))


def nodes(template: Template, context: Context) -> dict[str, NodeNames]:
    """Return the steps or tasks of a template by name, with the templates they run."""
    found: dict[str, NodeNames] = {}
    for call in direct_calls(template.place):
        resolved = context.catalogue.resolve(call, template.spec)
        looped = any(loop in call.mapping() for loop in LOOPS)
        found[call.text("name")] = NodeNames(resolved if isinstance(resolved, Template) else None, looped)
    return found


def check(call: Place, template: Template, context: Context, variables: Variables, early: Severity) -> None:
    """Check one step or task. `variables` are those in force for it, its own loop not yet among them."""
    report = context.report
    _check_loop(call, report)
    resolved = _check_target(call, template, context)
    arguments.check(call.at("arguments"), report)
    if resolved is not None:
        arguments.check_supplied(call.at("arguments"), resolved, report, at=call)
    inner = resolved if resolved is not None and "inline" in call.mapping() else None
    inside = replace(variables, item=_item(call), inner=inner)
    expressions.Checker(inside, report, early).below(call, without=frozenset({"hooks", "arguments"}))
    expressions.Checker(inside, report, "error").below(call.at("arguments"))
    expressions.when(call.at("when"), report)
    _check_exit(call, template, context)
    for name in call.mapping("hooks"):
        own = replace(inside, own=call.text("name"))
        check_hook(call.at("hooks", name), name, template, context, own)


def check_hook(hook: Place, name: str, template: Template, context: Context, variables: Variables | None) -> None:
    """Check a lifecycle hook; all but `exit` need an expression."""
    report = context.report
    if name != "exit" and not hook.text("expression"):
        report.error("hook", f'the hook "{name}" has no expression', hook, "add an expression, or name it exit")
    resolved = _check_target(hook, template, context)
    arguments.check(hook.at("arguments"), report)
    if resolved is not None:
        arguments.check_supplied(hook.at("arguments"), resolved, report, at=hook)
    if variables is not None:
        expressions.Checker(variables, report).below(hook.at("arguments"))
    expressions.field(report, hook.at("expression"))


def _check_target(call: Place, template: Template, context: Context) -> Template | None:
    """Return the template that is run; report where there is none, or more than one is named."""
    ways = [way for way in ("template", "templateRef", "inline") if call.mapping().get(way)]
    if len(ways) != 1:
        message = f"{' and '.join(ways)} exclude each other" if ways else "nothing says what to run"
        context.report.error("unknown-template", message, call, "give one of template, templateRef and inline")
        return None
    found = context.catalogue.resolve(call, template.spec)
    if isinstance(found, Unresolved):
        context.unresolved(found, call.at(ways[0]))
        return None
    return found


def _check_exit(call: Place, template: Template, context: Context) -> None:
    name = call.text("onExit")
    if name and "{{" not in name and name not in template.spec.templates:
        wanted = Unresolved(f'there is no template "{name}"', tuple(template.spec.templates), name)
        context.unresolved(wanted, call.at("onExit"))


def _check_loop(call: Place, report: Report) -> None:
    value = call.mapping()
    found = [loop for loop in LOOPS if loop in value]
    if len(found) > 1:
        report.error("loop", f"{' and '.join(found)} exclude each other", call.at(found[1]))
    sequence = call.mapping("withSequence")
    if "count" in sequence and "end" in sequence:
        report.error("loop", "count and end exclude each other", call.at("withSequence", "end"))
    elif "withSequence" in value and not {"count", "end"} & sequence.keys():
        report.error("loop", "a sequence needs count or end", call.at("withSequence"))


def _item(call: Place) -> Item | None:
    value = call.mapping()
    if "withParam" in value:
        return Item(anything=True)
    if "withSequence" in value:
        return Item()
    items = value.get("withItems")
    if items is None:
        return None
    if any(isinstance(item, str) and "{{" in item for item in items):
        return Item(anything=True)
    return Item(_parts(items))


def _parts(items: list[object]) -> frozenset[str]:
    parts: set[str] = set()
    for item in items:
        if isinstance(item, Mapping):
            parts |= {str(key) for key in item}
        elif isinstance(item, Collection) and not isinstance(item, str):
            parts |= {f"[{index}]" for index in range(len(item))}
    return frozenset(parts)
