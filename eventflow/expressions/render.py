"""What becomes of the tags of one text (Argo v4.1.2 util/template, simple_template.go and expression_template.go)."""

from dataclasses import dataclass, field
from typing import Any

from eventflow.expressions import tags
from eventflow.expressions.errors import AbsentOptional, MissingVariable, TemplateError
from eventflow.expressions.expr.environment import Environment
from eventflow.expressions.expr.errors import ExprError
from eventflow.expressions.expr.program import Program
from eventflow.expressions.golang import json_text, text
from eventflow.expressions.scope import Scope

# Known only later than the templates are first looked at: an expression that needs one of them waits.
LATE = frozenset(
    (
        "item",
        "retries",
        "lastRetry.exitCode",
        "lastRetry.status",
        "lastRetry.duration",
        "lastRetry.message",
        "workflow.status",
        "workflow.failures",
    )
)
_ABSENT: Any = object()
_UNRESOLVED: Any = object()


@dataclass(frozen=True, slots=True)
class Mode:
    """How to treat tags that cannot be resolved.

    `allow_unresolved` leaves them as they are, except names under `strict_prefixes`. `deep` resolves
    `{{a.{{b}}}}` in one go instead of leaving `{{a.value}}` for another pass: always, or where b is in a scope.
    """

    allow_unresolved: bool
    strict_prefixes: tuple[str, ...] = ()
    deep: bool | Scope = False
    environment: Environment = field(default_factory=Environment)

    def must_resolve(self, name: str) -> bool:
        """Return whether a missing name is an error."""
        if not self.allow_unresolved:
            return True
        return any(name == prefix or name.startswith(prefix + ".") for prefix in self.strict_prefixes)


def render(template: tags.Template, scope: Scope, mode: Mode) -> str:
    """Return the text with its tags replaced. Values are inserted as they are and never looked at again.

    Raises MissingVariable, AbsentOptional or another TemplateError.
    """
    return "".join([part if isinstance(part, str) else _tag(part, scope, mode) for part in template.parts])


def _tag(part: tags.SimpleTag | tags.NestedTag | tags.ExpressionTag, scope: Scope, mode: Mode) -> str:
    if isinstance(part, tags.SimpleTag):
        value = scope.get(part.name, _ABSENT)
        if type(value) is str:
            return value
        return _unresolved(part, mode) if value is _ABSENT else _insert(part.raw, value)
    if isinstance(part, tags.NestedTag):
        return _nested(part, scope, mode)
    return _expression(part, scope, mode)


def _insert(raw: str, value: Any) -> str:
    if value is None:
        raise AbsentOptional(
            f"unable to substitute {{{{{raw}}}}}: the output is absent for good (skipped node, no default)",
            hint="give the output a valueFrom.default, or use an expression with ??",
        )
    if not isinstance(value, str):
        raise TemplateError(f"failed to resolve {{{{{raw}}}}} to a string: it is {text.type_name(value)}")
    return value


def _unresolved(part: tags.SimpleTag, mode: Mode) -> str:
    artifact = mode.allow_unresolved and ".outputs.artifacts." in part.name
    if mode.must_resolve(part.name) and not artifact:
        raise MissingVariable([part.raw])
    return f"{{{{{part.raw}}}}}"


def _nested(part: tags.NestedTag, scope: Scope, mode: Mode) -> str:
    end = "" if part.suffix is None else part.suffix + tags.CLOSE
    raw = f"{part.prefix}{{{{{part.inner}"
    value = scope.get(part.inner, _ABSENT)
    if not isinstance(value, str):
        if value is None:
            raise AbsentOptional(f"unable to substitute {{{{{raw}}}}}: {part.inner} is absent for good")
        return _unresolved(tags.SimpleTag(raw, raw.strip()), mode) + end
    deep = part.inner in mode.deep if isinstance(mode.deep, Scope) else mode.deep
    if part.suffix is not None and deep:
        name = part.prefix + value + part.suffix
        return _tag(tags.SimpleTag(name, name.strip()), scope, mode)
    return tags.OPEN + part.prefix + value + end


def _expression(part: tags.ExpressionTag, scope: Scope, mode: Mode) -> str:
    if part.program is None:
        raise part.error or TemplateError(f"{{{{={part.raw}}}}} is no expression")
    value = evaluate(part.program, scope, mode)
    return f"{{{{={part.raw}}}}}" if value is _UNRESOLVED else value


def evaluate(program: Program, scope: Scope, mode: Mode) -> Any:
    """Return the text of an expression's value, or a marker when it has to wait."""
    missing = [name for name in program.required if not scope.has(name)]
    strict = [name for name in missing if mode.must_resolve(name)]
    if strict:
        raise MissingVariable(strict[:1])
    if not LATE.isdisjoint(missing):
        return _UNRESOLVED
    lenient = bool(missing) or (mode.allow_unresolved and not mode.strict_prefixes)
    try:
        value = program.evaluate(scope.variables(program.roots), mode.environment)
        shown = value if value is None or isinstance(value, str) else json_text.encode(value)
    except (ExprError, ValueError) as error:
        if missing or (lenient and any(not scope.has(name) for name in program.guarded)):
            return _UNRESOLVED
        raise TemplateError(f"failed to evaluate {{{{={program.source}}}}}: {error}") from error
    if shown is None:
        return _nothing(program, scope, lenient=lenient)
    return _as_text(shown, is_text=isinstance(value, str))


def _as_text(shown: str, *, is_text: bool) -> str:
    if is_text:
        return text.from_bytes(text.to_bytes(shown))
    return shown[1:-1] if len(shown) > 1 and shown[0] == shown[-1] == '"' else shown


def _nothing(program: Program, scope: Scope, *, lenient: bool) -> Any:
    """An expression gave nil: because of an output that is absent for good, or for now."""
    absent = [name for name in program.names if scope.has(name) and scope.get(name, _ABSENT) is None]
    if absent:
        raise AbsentOptional(
            f"{{{{={program.source}}}}} gives nothing: {', '.join(sorted(absent))} is absent for good",
            hint='give a fallback, as in {{= name ?? "default" }}',
        )
    if lenient:
        return _UNRESOLVED
    raise TemplateError(f"failed to evaluate {{{{={program.source}}}}}: it gives nil", hint="give a fallback with ??")
