"""From source to nodes: the parse tree, lowered with its names resolved and its macros expanded."""

from collections.abc import Callable
from typing import Literal

import lark

from eventflow.expressions.cel import grammar, ir, limits, literals, macros, tree
from eventflow.expressions.cel.errors import CelCheckError, CelSyntaxError
from eventflow.expressions.cel.functions import library
from eventflow.expressions.cel.scope import Scope
from eventflow.expressions.cel.tree import Tree

_OPERATORS = {
    "relation_lt": "_<_",
    "relation_le": "_<=_",
    "relation_gt": "_>_",
    "relation_ge": "_>=_",
    "relation_eq": "_==_",
    "relation_ne": "_!=_",
    "relation_in": "@in",
    "addition_add": "_+_",
    "addition_sub": "_-_",
    "multiplication_mul": "_*_",
    "multiplication_div": "_/_",
    "multiplication_mod": "_%_",
}
_LOOPS = ("break", "continue", "for", "loop", "while")
_DECLARATIONS = ("as", "const", "function", "import", "let", "namespace", "package", "var", "void")
_RESERVED = frozenset((*_LOOPS, *_DECLARATIONS, "else", "if", "return"))


def parse(source: str, variables: frozenset[str] = frozenset(), container: str = "") -> ir.Node:
    """The nodes of an expression. Raises CelSyntaxError, or CelCheckError when it is too large."""
    if len(source) > limits.MAX_SOURCE:
        raise CelCheckError(
            f"the expression has {len(source)} characters, more than {limits.MAX_SOURCE}",
            hint="split it, or use several filters",
        )
    return Lowering(Scope(variables, container)).expression(grammar.parse(source), 0)


class Lowering:
    """One expression on its way to nodes. Counts them, and how deep they nest."""

    def __init__(self, scope: Scope) -> None:
        self.scope = scope
        self._nodes = 0

    def expression(self, place: Tree, depth: int) -> ir.Node:
        self._nodes += 1
        span = tree.span_of(place)
        if depth > limits.MAX_DEPTH:
            raise self.too_large(span, f"nested more than {limits.MAX_DEPTH} levels deep")
        if self._nodes > limits.MAX_NODES:
            raise self.too_large(span, f"larger than {limits.MAX_NODES} terms")
        lower = _RULES.get(str(place.data))
        if lower is None:
            raise CelSyntaxError("messages such as Name{...} are not supported", span.line, span.column)
        return lower(self, place, span, depth + 1)

    def too_large(self, span: ir.Span, what: str) -> CelCheckError:
        return CelCheckError(f"the expression is {what}", span.line, span.column, hint="split it into parts")

    def conditional(self, place: Tree, span: ir.Span, depth: int) -> ir.Node:
        condition, then, otherwise = (self.expression(part, depth) for part in tree.subtrees(place))
        return ir.Cond(span, condition, then, otherwise)

    def any_of(self, place: Tree, span: ir.Span, depth: int) -> ir.Node:
        return self._logic("||", place, span, depth)

    def all_of(self, place: Tree, span: ir.Span, depth: int) -> ir.Node:
        return self._logic("&&", place, span, depth)

    def _logic(self, operator: Literal["&&", "||"], place: Tree, span: ir.Span, depth: int) -> ir.Node:
        operands: list[Tree] = []
        rule = place.data
        while place.data == rule:
            operands.append(tree.subtree(place, 1))
            place = tree.subtree(place, 0)
        operands.append(place)
        return ir.Logic(span, operator, tuple(self.expression(operand, depth) for operand in reversed(operands)))

    def binary(self, place: Tree, _span: ir.Span, depth: int) -> ir.Node:
        # Chains such as a + b + c lean to the left and are walked, not descended: they may be long.
        chain: list[Tree] = []
        rule = place.data
        while place.data == rule:
            chain.append(place)
            place = tree.subtree(tree.subtree(place, 0), 0)
        left = self.expression(place, depth + len(chain) // 2)
        for link in reversed(chain):
            operator = _OPERATORS[str(tree.subtree(link, 0).data)]
            right = self.expression(tree.subtree(link, 1), depth)
            spot = tree.span_of(link)
            left = ir.Call(spot, operator, (left, right), spot)
        return left

    def unary(self, place: Tree, span: ir.Span, depth: int) -> ir.Node:
        sign, count = tree.subtree(place, 0).data, 0
        while place.data == "unary" and tree.subtree(place, 0).data == sign:
            place = tree.subtree(place, 1)
            count += 1
        node = self.expression(place, depth)
        # As in cel-go and cel-cpp, pairs of signs vanish while parsing: !!x is x, of whatever type.
        if count % 2 == 0:
            return node
        return ir.Call(span, "!_" if sign == "unary_not" else "-_", (node,), span)

    def literal(self, place: Tree, span: ir.Span, _depth: int) -> ir.Node:
        token = tree.token(place, 0)
        match token.type:
            case "STRING_LIT":
                return ir.Const(span, literals.string(token.value, span.line, span.column))
            case "BYTES_LIT":
                return ir.Const(span, literals.bytes_(token.value, span.line, span.column))
            case "BOOL_LIT":
                return ir.Const(span, token.value == "true")
            case "NULL_LIT":
                return ir.Const(span, None)
        return ir.Const(span, literals.number(token.value, span.line, span.column))

    def identifier(self, place: Tree, span: ir.Span, _depth: int) -> ir.Node:
        token = tree.token(place, 0)
        self.check_reserved(token)
        return self.scope.name(span, token.value, absolute=place.data == "dot_ident")

    def check_reserved(self, token: lark.Token) -> None:
        if token.value in _RESERVED:
            span = tree.span_of(token)
            raise CelSyntaxError(f"{token.value!r} is a reserved word", span.line, span.column)

    def select(self, place: Tree, span: ir.Span, depth: int) -> ir.Node:
        chain = tree.dotted(place)
        if chain is not None:
            found = self.scope.qualified(span, *chain)
            if found is not None:
                node, rest = found
                for name in rest:
                    node = ir.Select(span, node, name)
                return node
        target = self.expression(tree.subtree(place, 0), depth)
        return ir.Select(span, target, tree.field(tree.token(place, 1)), optional=place.data == "member_opt_dot")

    def index(self, place: Tree, span: ir.Span, depth: int) -> ir.Node:
        target, key = (self.expression(part, depth) for part in tree.subtrees(place))
        return ir.Index(span, target, key, optional=place.data == "member_opt_index")

    def list_literal(self, place: Tree, span: ir.Span, depth: int) -> ir.Node:
        items: list[tuple[ir.Node, bool]] = []
        for item in tree.subtrees(tree.subtree(place, 0)) if place.children else ():
            optional = item.data == "optional_item"
            items.append((self.expression(tree.subtree(item, 0) if optional else item, depth), optional))
        return ir.ListLiteral(span, tuple(items))

    def map_literal(self, place: Tree, span: ir.Span, depth: int) -> ir.Node:
        items: list[tuple[ir.Node, ir.Node, bool]] = []
        for entry in tree.subtrees(tree.subtree(place, 0)) if place.children else ():
            key, value = (self.expression(part, depth) for part in tree.subtrees(entry))
            items.append((key, value, entry.data == "optional_entry"))
        return ir.MapLiteral(span, tuple(items))

    def call(self, place: Tree, span: ir.Span, depth: int) -> ir.Node:
        """A call without receiver: f(x)."""
        name = tree.token(place, 0)
        self.check_reserved(name)
        arguments = tree.subtrees(tree.subtree(place, 1)) if len(place.children) > 1 else []
        if name.value == "has":
            return macros.has(self, span, arguments, depth)
        lowered = tuple(self.expression(argument, depth) for argument in arguments)
        return ir.Call(span, name.value, lowered, tree.span_of(name))

    def member_call(self, place: Tree, span: ir.Span, depth: int) -> ir.Node:
        """A call with receiver, x.f(y), or of a function in a namespace, math.abs(x)."""
        target, name = tree.subtree(place, 0), tree.token(place, 1)
        arguments = tree.subtrees(tree.subtree(place, 2)) if len(place.children) > 2 else []
        spot = tree.span_of(name)
        chain = tree.dotted(target)
        namespace = ".".join(chain[0]) if chain else ""
        if namespace in library.NAMESPACES and not self.scope.taken(namespace):
            if (namespace, name.value) == ("cel", "bind"):
                return macros.bind(self, span, arguments, depth)
            lowered = tuple(self.expression(argument, depth) for argument in arguments)
            return ir.Call(span, f"{namespace}.{name.value}", lowered, spot)
        if macros.is_macro(name.value, len(arguments)):
            return macros.expand(self, span, name.value, target, arguments, depth)
        lowered = tuple(self.expression(argument, depth) for argument in (target, *arguments))
        return ir.Call(span, name.value, lowered, spot, member=True)


_RULES: dict[str, Callable[[Lowering, Tree, ir.Span, int], ir.Node]] = {
    "expr": Lowering.conditional,
    "conditionalor": Lowering.any_of,
    "conditionaland": Lowering.all_of,
    "relation": Lowering.binary,
    "addition": Lowering.binary,
    "multiplication": Lowering.binary,
    "unary": Lowering.unary,
    "literal": Lowering.literal,
    "ident": Lowering.identifier,
    "dot_ident": Lowering.identifier,
    "member_dot": Lowering.select,
    "member_opt_dot": Lowering.select,
    "member_index": Lowering.index,
    "member_opt_index": Lowering.index,
    "list_lit": Lowering.list_literal,
    "map_lit": Lowering.map_literal,
    "ident_arg": Lowering.call,
    "dot_ident_arg": Lowering.call,
    "member_dot_arg": Lowering.member_call,
}
