"""The syntax tree of an expression. `offset` is where a node's errors point to in the text."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """Any node."""

    offset: int


@dataclass(frozen=True, slots=True)
class Constant(Node):
    """nil, a boolean, a number, a text or bytes."""

    value: bool | int | float | str | bytes | None


@dataclass(frozen=True, slots=True)
class Identifier(Node):
    """A variable, or a name bound by `let`."""

    name: str


@dataclass(frozen=True, slots=True)
class Pointer(Node):
    """`#` ("" as name), `#index` or `#acc` within a predicate."""

    name: str


@dataclass(frozen=True, slots=True)
class Unary(Node):
    """An operator before its operand."""

    operator: str
    operand: Node


@dataclass(frozen=True, slots=True)
class Binary(Node):
    """An operator between its operands."""

    operator: str
    left: Node
    right: Node


@dataclass(frozen=True, slots=True)
class Member(Node):
    """`base.name` or `base[key]`; `optional` is the form with `?.`, `method` the form that is called."""

    base: Node
    key: Node
    optional: bool = False
    method: bool = False


@dataclass(frozen=True, slots=True)
class Chain(Node):
    """The end of a chain of members with `?.`: nil anywhere in it makes nil."""

    body: Node


@dataclass(frozen=True, slots=True)
class Slice(Node):
    """`base[start:stop]`."""

    base: Node
    start: Node | None
    stop: Node | None


@dataclass(frozen=True, slots=True)
class Call(Node):
    """A call of something that is no builtin."""

    callee: Node
    arguments: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Builtin(Node):
    """A call of a builtin function, its predicate among the arguments."""

    name: str
    arguments: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Predicate(Node):
    """The body that a builtin evaluates for each element."""

    body: Node


@dataclass(frozen=True, slots=True)
class Let(Node):
    """`let name = value; body`."""

    name: str
    value: Node
    body: Node


@dataclass(frozen=True, slots=True)
class Sequence(Node):
    """`a; b; c`: the value of the last."""

    items: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Conditional(Node):
    """`condition ? then : otherwise`, or if and else."""

    condition: Node
    then: Node
    otherwise: Node


@dataclass(frozen=True, slots=True)
class Array(Node):
    """`[a, b]`."""

    items: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Map(Node):
    """`{key: value}`."""

    pairs: tuple[tuple[Node, Node], ...]


def children(node: Node) -> tuple[Node, ...]:
    """Return the nodes directly below, in the order of the text."""
    match node:
        case Unary(operand=inner) | Chain(body=inner) | Predicate(body=inner):
            return (inner,)
        case Binary(left=left, right=right):
            return (left, right)
        case Member(base=base, key=key):
            return (base, key)
        case Slice(base=base, start=start, stop=stop):
            return tuple(part for part in (base, start, stop) if part is not None)
        case Call(callee=callee, arguments=arguments):
            return (callee, *arguments)
        case Builtin(arguments=arguments):
            return arguments
        case Let(value=value, body=body):
            return (value, body)
        case Sequence(items=items) | Array(items=items):
            return items
        case Conditional(condition=condition, then=then, otherwise=otherwise):
            return (condition, then, otherwise)
        case Map(pairs=pairs):
            return tuple(part for pair in pairs for part in pair)
    return ()


def is_higher(tree: Node, limit: int) -> bool:
    """Return whether a tree has more than `limit` levels."""
    level = [tree]
    for _ in range(limit):
        level = [child for node in level for child in children(node)]
        if not level:
            return False
    return True
