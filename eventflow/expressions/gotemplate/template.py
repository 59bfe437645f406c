"""`Template`: parse once, execute for many values (Go text/template/exec.go)."""

from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from eventflow.expressions.expr.environment import Environment
from eventflow.expressions.expr.frame import Frame
from eventflow.expressions.golang import text
from eventflow.expressions.gotemplate import functions, nodes, parser
from eventflow.expressions.gotemplate.builtins import truth
from eventflow.expressions.gotemplate.values import TemplateError, from_json, printed

MAX_OUTPUT = 4 * 1024 * 1024
MAX_STEPS = 200_000
MAX_DEPTH = 100


@lru_cache(512)
def parse(source: str) -> "Template":
    """Return the template of a text, from a cache of 512. Raises TemplateError."""
    return Template(source)


@dataclass(frozen=True, slots=True)
class Rendered:
    """The text a template made; `incomplete` when a value that does not exist was printed into it."""

    text: str
    incomplete: bool


class _Break(Exception):
    pass


class _Continue(Exception):
    pass


class Template:
    """A parsed template. Raises TemplateError when its text is wrong."""

    def __init__(self, source: str) -> None:
        self._body, self._named = parser.parse(source, functions.NAMES)

    def render(self, data: Any, now: float | None = None) -> Rendered:
        """Execute on a decoded JSON value as `.`; `now` (seconds since the epoch) is what the function now gives.

        A missing value prints as `<no value>`. Raises TemplateError, also beyond 4 MiB of output, 200,000 steps or
        a nesting of 100 templates.
        """
        run = _Run(self._named, _frame(now))
        dot = from_json(data)
        run.variables = [("$", dot)]
        try:
            run.body(self._body, dot)
        except RecursionError:
            raise TemplateError("template: nested too deeply") from None
        return Rendered("".join(run.output), run.incomplete)


def _frame(now: float | None) -> Frame:
    return Frame({}, Environment() if now is None else Environment(now=now), strict=True)


@dataclass(slots=True)
class _Run:
    named: dict[str, nodes.Body]
    frame: Frame
    output: list[str] = field(default_factory=list)
    variables: list[tuple[str, Any]] = field(default_factory=list)
    incomplete: bool = False
    steps: int = 0
    size: int = 0
    depth: int = 0

    def body(self, body: nodes.Body, dot: Any) -> None:
        for node in body.nodes:
            self.steps += 1
            if self.steps > MAX_STEPS:
                raise TemplateError(f"template: takes more than {MAX_STEPS} steps")
            self._node(node, dot)

    def _node(self, node: nodes.Node, dot: Any) -> None:
        match node:
            case nodes.Text():
                self._write(node.text)
            case nodes.Output():
                self._print(node, dot)
            case nodes.Branch():
                self._branch(node, dot)
            case nodes.Range():
                self._range(node, dot)
            case nodes.Leave():
                raise _Break if node.word == "break" else _Continue
            case nodes.Include():
                self._include(node, dot)

    def _write(self, text: str) -> None:
        self.size += len(text)
        if self.size > MAX_OUTPUT:
            raise TemplateError("template: makes more than 4 MiB of text")
        self.output.append(text)

    def _print(self, node: nodes.Output, dot: Any) -> None:
        value = self.pipeline(node.pipeline, dot)
        if node.pipeline.variables:
            return
        self.incomplete = self.incomplete or value is None
        self._write("<no value>" if value is None else printed(value))

    def _branch(self, node: nodes.Branch, dot: Any) -> None:
        mark = len(self.variables)
        value = self.pipeline(node.pipeline, dot)
        if truth(value):
            self.body(node.body, value if node.word == "with" else dot)
        else:
            self.body(node.otherwise, dot)
        del self.variables[mark:]

    def _range(self, node: nodes.Range, dot: Any) -> None:
        mark = len(self.variables)
        value = self.pipeline(node.pipeline, dot, assign=False)
        items = _items(value)
        if not items:
            self.body(node.otherwise, dot)
        for key, item in items:
            inner = len(self.variables)
            self._bind(node.pipeline, key, item)
            try:
                self.body(node.body, item)
            except _Continue:
                pass
            except _Break:
                break
            finally:
                del self.variables[inner:]
        del self.variables[mark:]

    def _bind(self, pipeline: nodes.Pipeline, key: Any, item: Any) -> None:
        values = (item,) if len(pipeline.variables) == 1 else (key, item)
        for name, value in zip(pipeline.variables, values, strict=False):
            self._set(name, value, pipeline.declares)

    def _include(self, node: nodes.Include, dot: Any) -> None:
        body = self.named.get(node.name)
        if body is None:
            raise TemplateError(f"template: line {node.line}: template {node.name!r} not defined")
        if self.depth >= MAX_DEPTH:
            raise TemplateError(f"template: line {node.line}: nested too deeply")
        inner = self.pipeline(node.pipeline, dot) if node.pipeline else None
        outer, self.variables = self.variables, [("$", inner)]
        self.depth += 1
        self.body(body, inner)
        self.depth -= 1
        self.variables = outer

    def _set(self, name: str, value: Any, declares: bool) -> None:
        if declares:
            self.variables.append((name, value))
            return
        for index in range(len(self.variables) - 1, -1, -1):
            if self.variables[index][0] == name:
                self.variables[index] = (name, value)
                return
        raise TemplateError(f"template: undefined variable: {name}")

    def pipeline(self, pipeline: nodes.Pipeline, dot: Any, assign: bool = True) -> Any:
        """Return the value of a pipeline, and assign it to its variable."""
        value = self._command(pipeline.commands[0], dot, ())
        for command in pipeline.commands[1:]:
            value = self._command(command, dot, (value,))
        if assign and pipeline.variables:
            self._set(pipeline.variables[0], value, pipeline.declares)
        return value

    def _command(self, command: nodes.Command, dot: Any, piped: tuple[Any, ...]) -> Any:
        first, *rest = command.operands
        if isinstance(first, nodes.Function):
            return self._call(first.name, rest, dot, piped)
        if rest or piped:
            raise TemplateError("template: can't give an argument to a value that is no function")
        return self._operand(first, dot)

    def _call(self, name: str, rest: list[nodes.Operand], dot: Any, piped: tuple[Any, ...]) -> Any:
        if name in ("and", "or"):
            return self._short(name, rest, dot, piped)
        arguments = [self._operand(operand, dot) for operand in rest]
        return functions.call(name, [*arguments, *piped], self.frame)

    def _short(self, name: str, rest: list[nodes.Operand], dot: Any, piped: tuple[Any, ...]) -> Any:
        value: Any = None
        if not rest and not piped:
            raise TemplateError(f"template: wrong number of args for {name}: want at least 1 got 0")
        for operand in rest:
            value = self._operand(operand, dot)
            if truth(value) == (name == "or"):
                return value
        return piped[0] if piped else value

    def _operand(self, operand: nodes.Operand, dot: Any) -> Any:
        match operand:
            case nodes.Constant():
                return operand.value
            case nodes.Dot():
                return dot
            case nodes.Nil():
                return None
            case nodes.Variable():
                return self._variable(operand.name)
            case nodes.Function():
                return self._call(operand.name, [], dot, ())
            case nodes.Pipeline():
                return self.pipeline(operand, dot)
            case nodes.Fields():
                value = self._operand(operand.base, dot)
                for name in operand.names:
                    value = _field(value, name)
                return value

    def _variable(self, name: str) -> Any:
        for known, value in reversed(self.variables):
            if known == name:
                return value
        raise TemplateError(f"template: undefined variable {name!r}")


def _items(value: Any) -> list[tuple[Any, Any]]:
    if isinstance(value, dict):
        return sorted(value.items())
    if isinstance(value, list):
        return list(enumerate(value))
    if value is None:
        return []
    if isinstance(value, int) and not isinstance(value, bool):
        return [(index, index) for index in range(min(value, MAX_STEPS))]
    raise TemplateError(f"template: range can't iterate over {printed(value)}")


def _field(value: Any, name: str) -> Any:
    if isinstance(value, dict):
        return value.get(name)
    if value is None:
        raise TemplateError(f"template: nil value; can't evaluate field {name}")
    raise TemplateError(f"template: can't evaluate field {name} in type {text.type_name(value)}")
