"""Tags over a parsed tree of maps, lists and texts: one pass, values never expanded again, any text survives.

Argo replaces tags in the JSON text of a template; here the leaves of the tree are replaced, so that no value can break
the document and none is taken for a tag. docs/differences-expressions.md lists what differs on purpose.
"""

from collections.abc import Callable, Iterator, Mapping
from copy import copy
from typing import Any

from eventflow.errors import Location
from eventflow.expressions import tags
from eventflow.expressions.errors import TemplateError
from eventflow.expressions.expr.environment import Environment
from eventflow.expressions.expr.errors import ExprError
from eventflow.expressions.render import Mode, render
from eventflow.expressions.scope import Scope

_NOWHERE = Environment()
_Plan = Callable[[Scope, Mode], Any]


class CompiledTree:
    """A tree whose tags are found once. `tree` is never changed; parts without tags are shared with every result."""

    __slots__ = ("_plan", "templates", "tree")

    def __init__(self, tree: Any) -> None:
        self.tree = tree
        self.templates: dict[str, tags.Template] = {}
        self._plan = self._compile(tree, "")

    def render(
        self,
        lookup: Mapping[str, Any] | Scope,
        *,
        allow_unresolved: bool = True,
        strict_prefixes: tuple[str, ...] = (),
        environment: Environment | None = None,
        deep: bool | Scope = False,
    ) -> Any:
        """Return the tree with its tags replaced; the cost is that of the leaves with tags.

        `lookup` maps dotted names to texts (None: absent for good). Raises MissingVariable, AbsentOptional or another
        TemplateError, its location naming the place in the tree.
        """
        if self._plan is None:
            return self.tree
        return self._plan(Scope.of(lookup), Mode(allow_unresolved, strict_prefixes, deep, environment or _NOWHERE))

    def references(self) -> set[str]:
        """Return the names that the tags use: of simple tags as written, of expressions the dotted variables."""
        found: set[str] = set()
        for template in self.templates.values():
            for part in template.parts:
                found |= _names(part)
        return found

    def errors(self) -> Iterator[TemplateError]:
        """Yield what is wrong whatever the variables: tags that are no expressions, and type errors within them."""
        for path, template in self.templates.items():
            for part in template.parts:
                error = _fault(part)
                if error is not None:
                    yield _placed(error, path)

    def _compile(self, tree: Any, path: str) -> _Plan | None:
        if isinstance(tree, str):
            return self._leaf(tree, path)
        if isinstance(tree, dict):
            return self._map(tree, path)
        if isinstance(tree, list):
            return self._list(tree, path)
        return None

    def _leaf(self, text: str, path: str) -> _Plan | None:
        try:
            template = tags.parse(text)
        except TemplateError as error:
            raise _placed(error, path) from error
        if template is None:
            return None
        self.templates[path] = template

        def plan(scope: Scope, mode: Mode) -> str:
            try:
                return render(template, scope, mode)
            except TemplateError as error:
                raise _placed(error, path) from error.__cause__

        return plan

    def _map(self, tree: dict[str, Any], path: str) -> _Plan | None:
        prefix = f"{path}." if path else ""
        keys = {key: plan for key in tree if isinstance(key, str) and (plan := self._leaf(key, f"{prefix}<key>"))}
        plans = {key: plan for key, value in tree.items() if (plan := self._compile(value, f"{prefix}{key}"))}
        if not keys and not plans:
            return None
        if keys:
            return lambda scope, mode: {
                keys[key](scope, mode) if key in keys else key: plans[key](scope, mode) if key in plans else value
                for key, value in tree.items()
            }
        return lambda scope, mode: {**tree, **{key: plan(scope, mode) for key, plan in plans.items()}}

    def _list(self, tree: list[Any], path: str) -> _Plan | None:
        plans = {index: plan for index, item in enumerate(tree) if (plan := self._compile(item, f"{path}[{index}]"))}
        if not plans:
            return None

        def replace(scope: Scope, mode: Mode) -> list[Any]:
            result = list(tree)
            for index, plan in plans.items():
                result[index] = plan(scope, mode)
            return result

        return replace


def compile_tree(tree: Any) -> CompiledTree:
    """Return a tree ready to render. Raises TemplateError for a tag that is never closed."""
    return CompiledTree(tree)


def substitute(
    tree: Any,
    lookup: Mapping[str, Any] | Scope,
    *,
    allow_unresolved: bool,
    strict_prefixes: tuple[str, ...] = (),
    environment: Environment | None = None,
) -> Any:
    """Return a tree with its tags replaced. See CompiledTree.render; what has no tag is returned as it is."""
    return CompiledTree(tree).render(
        lookup, allow_unresolved=allow_unresolved, strict_prefixes=strict_prefixes, environment=environment
    )


def references(tree: Any) -> set[str]:
    """Return the names that the tags of a tree use. See CompiledTree.references."""
    return CompiledTree(tree).references()


def _names(part: tags.Part) -> set[str]:
    if isinstance(part, tags.SimpleTag):
        return {part.name}
    if isinstance(part, tags.NestedTag):
        return {part.inner}
    if isinstance(part, tags.ExpressionTag) and part.program is not None:
        return set(part.program.names)
    return set()


def _fault(part: tags.Part) -> TemplateError | None:
    if not isinstance(part, tags.ExpressionTag):
        return None
    if part.program is None:
        return part.error
    try:
        part.program.check()
    except ExprError as error:
        return TemplateError(f"{{{{={part.raw}}}}}: {error}")
    return None


def _placed(error: TemplateError, path: str) -> TemplateError:
    """Name the place in the tree. Errors of cached tags are copied: the same text may stand in several places."""
    if error.location is None and path:
        placed = copy(error)
        placed.location = Location(path)
        placed.__cause__ = error.__cause__
        return placed
    return error
