"""From nodes to Python: the state of one generated function, and the nodes that are plain expressions.

The function has the form `def cel(V, B)`: the variables and the budget. What a node needs to run first (a loop, a try)
goes into the body as statements; what remains is an expression. Text of the user becomes ast.Constant values only;
all names are ours. Every Python node carries the place of its CEL node, so that the position of a run-time error is
read off the traceback and costs nothing until then.
"""

import ast
import contextlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from eventflow.expressions.cel import ir, limits, pyast, structures
from eventflow.expressions.cel.errors import CelCheckError, Failure

ABSORBED: Final = (Failure, LookupError, TypeError, ValueError, ArithmeticError, AttributeError)
"""What counts as an error value of CEL while generated code runs. Python's own errors come from plain subscripts of
values of the wrong type. LimitExceeded, RecursionError and MemoryError are not among them."""

_SIMPLE = (type(None), bool, int, float, str, bytes)

Rule = Callable[["Emitter", Any], ast.expr]


class Emitter:
    """One function in the making. `deferred` are the slots of variables that may hold an error."""

    def __init__(self, rules: Mapping[type, Rule]) -> None:
        self.names: dict[str, Any] = {"__builtins__": {}, "ABSORBED": ABSORBED}
        self.body: list[ast.stmt] = []
        self.loops = 0
        self.deferred: set[int] = set()
        self._rules = rules
        self._blocks = 0
        self._count = 0
        self._held: dict[int, str] = {}

    def value(self, node: ir.Node) -> ast.expr:
        """The Python expression for a node, after adding to the body what must run before it."""
        expression = self._rules[type(node)](self, node)
        pyast.stamp(expression, node.span)
        return expression

    def branch(self, node: ir.Node, target: str) -> list[ast.stmt]:
        """Statements that compute the node and assign it to `target`, to be placed under an if or a loop."""
        outer, self.body = self.body, []
        self.add(pyast.assign(target, self.value(node)), node.span)
        inner, self.body = self.body, outer
        return inner

    def add(self, statement: ast.stmt, span: ir.Span) -> None:
        pyast.stamp(statement, span)
        self.body.append(statement)

    def is_safe(self, node: ir.Node) -> bool:
        """Whether computing the node surely raises nothing."""
        return isinstance(node, ir.Const) or (isinstance(node, ir.Local) and node.slot not in self.deferred)

    def fresh(self, hint: str) -> str:
        self._count += 1
        return f"{hint}{self._count}"

    def hold(self, value: Any) -> ast.expr:
        """A function or constant of ours, as a global of the generated function."""
        name = self._held.get(id(value))
        if name is None:
            name = self._held[id(value)] = self.fresh("g")
            self.names[name] = value
        return pyast.load(name)

    @property
    def budget(self) -> ast.expr:
        return pyast.load("B")

    @contextlib.contextmanager
    def block(self, span: ir.Span) -> Iterator[None]:
        """While a try or a loop is being filled: CPython bounds how deep they nest."""
        self._blocks += 1
        if self._blocks > limits.MAX_BLOCKS:
            raise CelCheckError(
                "the expression nests too many macros or logical operators", span.line, span.column, hint="split it"
            )
        yield
        self._blocks -= 1

    @contextlib.contextmanager
    def loop(self, span: ir.Span) -> Iterator[None]:
        """While the body of a macro is being filled: what runs there is metered."""
        self.loops += 1
        with self.block(span):
            yield
        self.loops -= 1


def constant(emitter: Emitter, node: ir.Const) -> ast.expr:
    if node.value.__class__ in _SIMPLE:
        return ast.Constant(node.value)
    return emitter.hold(node.value)


def variable(_emitter: Emitter, node: ir.Var) -> ast.expr:
    return pyast.subscript(pyast.load("V"), ast.Constant(node.name))


def local_name(local: ir.Local) -> str:
    return f"v{local.slot}"


def local(emitter: Emitter, node: ir.Local) -> ast.expr:
    name = pyast.load(local_name(node))
    return pyast.call(emitter.hold(structures.forced), name) if node.slot in emitter.deferred else name


def select(emitter: Emitter, node: ir.Select) -> ast.expr:
    target = emitter.value(node.target)
    if node.optional:
        return pyast.call(emitter.hold(structures.optional_select), target, ast.Constant(node.field))
    return _plain_select(emitter, target, node.field)


def _plain_select(emitter: Emitter, target: ast.expr, field: str) -> ast.expr:
    if isinstance(target, ast.Name | ast.Subscript | ast.Call):
        # The KeyError or TypeError of a wrong value becomes an error of CEL later.
        return pyast.subscript(target, ast.Constant(field))
    return pyast.call(emitter.hold(structures.select), target, ast.Constant(field))


def has(emitter: Emitter, node: ir.Has) -> ast.expr:
    return pyast.call(emitter.hold(structures.has), emitter.value(node.target), ast.Constant(node.field))


def index(emitter: Emitter, node: ir.Index) -> ast.expr:
    target = emitter.value(node.target)
    if node.optional:
        return pyast.call(emitter.hold(structures.optional_index), target, emitter.value(node.key))
    if isinstance(node.key, ir.Const) and node.key.value.__class__ is str:
        return _plain_select(emitter, target, node.key.value)
    return pyast.call(emitter.hold(structures.index), target, emitter.value(node.key))


def list_literal(emitter: Emitter, node: ir.ListLiteral) -> ast.expr:
    values = [emitter.value(item) for item, _ in node.items]
    if not any(optional for _, optional in node.items):
        return ast.List(values, ast.Load())
    pairs = [
        ast.Tuple([value, ast.Constant(optional)], ast.Load())
        for value, (_, optional) in zip(values, node.items, strict=True)
    ]
    return pyast.call(emitter.hold(structures.new_list), ast.Tuple(list(pairs), ast.Load()))


def map_literal(emitter: Emitter, node: ir.MapLiteral) -> ast.expr:
    keys = [key.value for key, _, optional in node.items if isinstance(key, ir.Const) and not optional]
    if len(keys) == len(node.items) == len(set(keys)) and all(key.__class__ is str for key in keys):
        return ast.Dict([ast.Constant(key) for key in keys], [emitter.value(value) for _, value, _ in node.items])
    entries: list[ast.expr] = [
        ast.Tuple([emitter.value(key), emitter.value(value), ast.Constant(optional)], ast.Load())
        for key, value, optional in node.items
    ]
    return pyast.call(emitter.hold(structures.new_map), ast.Tuple(entries, ast.Load()))
