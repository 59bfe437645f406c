"""The form between the parse tree and generated code: a few kinds of nodes, names resolved, macros expanded."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal


@dataclass(frozen=True, slots=True)
class Span:
    """Where a node stands: lines and columns from 1, and offsets into the source."""

    line: int
    column: int
    end_line: int
    end_column: int
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Const:
    span: Span
    value: Any


@dataclass(frozen=True, slots=True)
class Var:
    """A variable of the program."""

    span: Span
    name: str


@dataclass(frozen=True, slots=True)
class Local:
    """A variable of a macro; `slot` is unique in the program."""

    span: Span
    name: str
    slot: int


@dataclass(frozen=True, slots=True)
class Select:
    """`target.field`; `optional` for `target.?field`."""

    span: Span
    target: "Node"
    field: str
    optional: bool = False


@dataclass(frozen=True, slots=True)
class Has:
    span: Span
    target: "Node"
    field: str


@dataclass(frozen=True, slots=True)
class Index:
    """`target[key]`; `optional` for `target[?key]`."""

    span: Span
    target: "Node"
    key: "Node"
    optional: bool = False


@dataclass(frozen=True, slots=True)
class ListLiteral:
    """Elements, each with whether it is an optional to unwrap."""

    span: Span
    items: tuple[tuple["Node", bool], ...]


@dataclass(frozen=True, slots=True)
class MapLiteral:
    """Keys, values, each pair with whether the value is an optional to unwrap."""

    span: Span
    items: tuple[tuple["Node", "Node", bool], ...]


@dataclass(frozen=True, slots=True)
class Call:
    """A function or operator. The receiver of a member call is the first argument. `name_span` covers the name."""

    span: Span
    function: str
    arguments: tuple["Node", ...]
    name_span: Span
    member: bool = False


@dataclass(frozen=True, slots=True)
class Logic:
    """`&&` or `||` over two or more operands."""

    span: Span
    operator: Literal["&&", "||"]
    operands: tuple["Node", ...]


@dataclass(frozen=True, slots=True)
class Cond:
    span: Span
    condition: "Node"
    then: "Node"
    otherwise: "Node"


@dataclass(frozen=True, slots=True)
class Bind:
    """`cel.bind(name, value, body)`."""

    span: Span
    variable: Local
    value: "Node"
    body: "Node"


@dataclass(frozen=True, slots=True)
class OptMap:
    """`target.optMap(name, body)` and, with `flat`, `target.optFlatMap(name, body)`."""

    span: Span
    target: "Node"
    variable: Local
    body: "Node"
    flat: bool


Macro = Literal["all", "exists", "exists_one", "filter", "map", "transformList", "transformMap", "sortBy"]


@dataclass(frozen=True, slots=True)
class Comprehension:
    """A macro that walks `target`. `condition` selects elements, `result` is what each contributes."""

    span: Span
    macro: Macro
    target: "Node"
    variables: tuple[Local, ...]
    condition: "Node | None"
    result: "Node | None"


Node = (
    Const
    | Var
    | Local
    | Select
    | Has
    | Index
    | ListLiteral
    | MapLiteral
    | Call
    | Logic
    | Cond
    | Bind
    | OptMap
    | Comprehension
)


def children(node: Node) -> tuple[Node, ...]:
    """The direct sub-expressions, in source order."""
    match node:
        case Const() | Var() | Local():
            return ()
        case Select() | Has():
            return (node.target,)
        case Index():
            return (node.target, node.key)
        case ListLiteral():
            return tuple(item for item, _ in node.items)
        case MapLiteral():
            return tuple(part for key, value, _ in node.items for part in (key, value))
        case Call():
            return node.arguments
        case Logic():
            return node.operands
        case Cond():
            return (node.condition, node.then, node.otherwise)
        case Bind():
            return (node.value, node.body)
        case OptMap():
            return (node.target, node.body)
        case Comprehension():
            return tuple(part for part in (node.target, node.condition, node.result) if part is not None)


def walk(node: Node) -> Iterator[Node]:
    """The node and everything under it, parents first."""
    yield node
    for child in children(node):
        yield from walk(child)
