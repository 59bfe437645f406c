"""The parts of a parsed template."""

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Constant:
    value: Any


@dataclass(frozen=True, slots=True)
class Dot:
    """`.`"""


@dataclass(frozen=True, slots=True)
class Nil:
    """`nil`, allowed as an argument only."""


@dataclass(frozen=True, slots=True)
class Variable:
    name: str


@dataclass(frozen=True, slots=True)
class Function:
    name: str


@dataclass(frozen=True, slots=True)
class Fields:
    """`base.a.b`"""

    base: "Operand"
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Command:
    """An operand with its arguments; the first is called when it is a function."""

    operands: tuple["Operand", ...]


@dataclass(frozen=True, slots=True)
class Pipeline:
    """Commands joined by bars, perhaps declared (`:=`) or assigned (`=`) to variables."""

    commands: tuple[Command, ...]
    variables: tuple[str, ...] = ()
    declares: bool = False


Operand = Constant | Dot | Nil | Variable | Function | Fields | Pipeline


@dataclass(frozen=True, slots=True)
class Text:
    text: str


@dataclass(frozen=True, slots=True)
class Output:
    pipeline: Pipeline
    line: int


@dataclass(frozen=True, slots=True)
class Branch:
    """`if` and `with`: the body when the pipeline is true, else the other body."""

    word: str
    pipeline: Pipeline
    body: "Body"
    otherwise: "Body"
    line: int


@dataclass(frozen=True, slots=True)
class Range:
    pipeline: Pipeline
    body: "Body"
    otherwise: "Body"
    line: int


@dataclass(frozen=True, slots=True)
class Leave:
    """`break` or `continue`."""

    word: str


@dataclass(frozen=True, slots=True)
class Include:
    """`template "name" pipeline`"""

    name: str
    pipeline: Pipeline | None
    line: int


Node = Text | Output | Branch | Range | Leave | Include


@dataclass(slots=True)
class Body:
    nodes: list[Node] = field(default_factory=list)
