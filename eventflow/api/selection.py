"""What requests select: workflows by labels and fields, nodes by a field selector, parts of an answer by `fields`."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from eventflow.engine.core.state import Node
from eventflow.errors import NotFound, UserError

_SET = re.compile(r"^\s*(\S+)\s+(in|notin)\s*\(([^)]*)\)\s*$")
_TERM = re.compile(r"^\s*(!?)([^=!\s]+?)\s*(?:(==|=|!=)\s*(\S*))?\s*$")
_BETWEEN = re.compile(r",(?![^(]*\))")


@dataclass(frozen=True, slots=True)
class Term:
    """One requirement. `operator` is `in`, `notin`, `exists` or `absent`."""

    key: str
    operator: str
    values: tuple[str, ...] = ()

    def holds(self, values: Mapping[str, Any]) -> bool:
        """Whether a mapping (labels, fields) fits."""
        there = self.key in values
        match self.operator:
            case "exists":
                return there
            case "absent":
                return not there
            case "in":
                return there and str(values[self.key]) in self.values
        return not there or str(values[self.key]) not in self.values


def terms(selector: str) -> list[Term]:
    """Return the requirements of a label or field selector. Raises UserError.

    Source: k8s.io/apimachinery labels.Parse: `a=b,c!=d,e in (f,g),h,!i`.
    """
    return [_term(part) for part in _BETWEEN.split(selector) if part.strip()]


def _term(part: str) -> Term:
    of_set = _SET.match(part)
    if of_set:
        return Term(of_set[1], of_set[2], tuple(each.strip() for each in of_set[3].split(",")))
    simple = _TERM.match(part)
    if simple is None or (simple[1] and simple[3]):
        raise UserError(
            f"selector {part.strip()!r} cannot be read", hint="KEY=VALUE, KEY!=VALUE, KEY in (A, B), KEY, !KEY"
        )
    if simple[3] is None:
        return Term(simple[2], "absent" if simple[1] else "exists")
    return Term(simple[2], "notin" if simple[3] == "!=" else "in", (simple[4] or "",))


def nodes(selector: str, found: Sequence[Node]) -> list[Node]:
    """Return the nodes that fit a node field selector. Raises UserError, NotFound if none does.

    Source: Argo v4.1.2 workflow/util/util.go SelectorMatchesNode: displayName, templateName, templateRef.*, phase,
    name, id, inputs.parameters.<name>.value.
    """
    wanted = terms(selector)
    fitting = [node for node in found if all(term.holds(_fields(node)) for term in wanted)]
    if not fitting:
        raise NotFound(
            f"no node fits {selector!r}", hint="displayName=NAME, name=NAME, id=ID, templateName=NAME, phase=PHASE"
        )
    return fitting


def _fields(node: Node) -> dict[str, Any]:
    fields: dict[str, Any] = {
        "displayName": node.display_name,
        "name": node.name,
        "id": node.id,
        "phase": str(node.phase),
        "type": str(node.type),
        "templateName": node.template,
    }
    if node.template_ref:
        fields["templateRef.name"] = node.template_ref.get("name", "")
        fields["templateRef.template"] = node.template_ref.get("template", "")
    for parameter in (node.inputs or {}).get("parameters") or ():
        fields[f"inputs.parameters.{parameter['name']}.value"] = parameter.get("value", "")
    return fields


def fits(selector: str, node: Node) -> bool:
    """Whether a node fits a node field selector; every one fits an empty one."""
    return all(term.holds(_fields(node)) for term in terms(selector))


def pairs(texts: Sequence[str]) -> dict[str, str]:
    """Read `name=value` texts. Raises UserError."""
    found: dict[str, str] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if text and not equals:
            raise UserError(f"{text!r} must be NAME=VALUE")
        if text:
            found[name] = value
    return found


def trimmed(value: Any, fields: str) -> Any:
    """Return the parts of an answer that `fields` names: `metadata,status.phase`; with a leading `-`, all but those.

    Source: Argo v4.1.2 server/workflow/fields.go (util/fields): lists are walked through.
    """
    if not fields:
        return value
    exclude = fields.startswith("-")
    paths = [path.split(".") for path in fields.lstrip("-").split(",") if path]
    return _without(value, paths) if exclude else _only(value, paths)


def _only(value: Any, paths: Sequence[Sequence[str]]) -> Any:
    if not paths or any(not path for path in paths):
        return value
    if isinstance(value, list):
        return [_only(each, paths) for each in value]
    if not isinstance(value, Mapping):
        return value
    return {key: _only(each, below) for key, each in value.items() if (below := _below(paths, key))}


def _without(value: Any, paths: Sequence[Sequence[str]]) -> Any:
    if isinstance(value, list):
        return [_without(each, paths) for each in value]
    if not isinstance(value, Mapping):
        return value
    return {
        key: _without(each, _below(paths, key))
        for key, each in value.items()
        if not any(not path for path in _below(paths, key))
    }


def _below(paths: Iterable[Sequence[str]], key: str) -> list[Sequence[str]]:
    return [path[1:] for path in paths if path and path[0] == key]
