"""A syntax tree into closures: `run(frame)` gives the value of a node."""

from collections.abc import Callable, Mapping
from typing import Any

from eventflow.expressions.expr import members, nodes, operators, patterns, predicates
from eventflow.expressions.expr.errors import ExprError, Fault, locate
from eventflow.expressions.expr.frame import Frame
from eventflow.expressions.expr.functions import Function
from eventflow.expressions.expr.kinds import ANY
from eventflow.expressions.golang import text

Run = Callable[[Frame], Any]

_EMPTY: Any = object()


def compile_tree(tree: nodes.Node, source: str, builtins: Mapping[str, Function], functions: Mapping[str, Any]) -> Run:
    """Return the program of a tree. `functions` are names that no variable hides."""
    return _Compiler(source, builtins, functions).compile(tree)


class _Compiler:
    def __init__(self, source: str, builtins: Mapping[str, Function], functions: Mapping[str, Any]) -> None:
        self._source = source
        self._builtins = builtins
        self._functions = functions
        self._bound: list[str] = []
        self._size = 0

    def compile(self, node: nodes.Node) -> Run:
        self._size += 1
        match node:
            case nodes.Constant(value=value):
                return lambda _: value
            case nodes.Identifier():
                return self._identifier(node)
            case nodes.Pointer(name=name):
                return _POINTERS[name] if name in _POINTERS else self._unknown_pointer(node)
            case nodes.Unary():
                return self._unary(node)
            case nodes.Binary():
                return self._binary(node)
            case nodes.Member():
                return self._member(node)
            case nodes.Chain(body=body):
                return _chain(self.compile(body))
            case nodes.Predicate(body=body):
                return self.compile(body)
            case nodes.Slice():
                return self._slice(node)
            case nodes.Call():
                return self._call(node)
            case nodes.Builtin():
                return self._builtin(node)
            case nodes.Let():
                return self._let(node)
            case nodes.Sequence(items=items):
                return _sequence([self.compile(item) for item in items])
            case nodes.Conditional():
                return self._conditional(node)
            case nodes.Array(items=items):
                return _array([self.compile(item) for item in items])
            case nodes.Map():
                return self._map(node)
        raise TypeError(f"unknown syntax {node!r}")

    def _located(self, node: nodes.Node, run: Run) -> Run:
        """Turn the Fault of a node into an error with its place."""
        source, offset = self._source, node.offset

        def guarded(frame: Frame) -> Any:
            try:
                return run(frame)
            except Fault as fault:
                raise ExprError(str(fault), location=locate(source, offset)) from fault

        return guarded

    def _unknown_pointer(self, node: nodes.Pointer) -> Run:
        def run(_: Frame) -> Any:
            raise Fault(f"unknown pointer #{node.name}")

        return self._located(node, run)

    def _identifier(self, node: nodes.Identifier) -> Run:
        name = node.name
        if name in self._bound:
            return lambda frame: frame.bound[name]
        if name in self._functions:
            function = self._functions[name]
            return lambda _: function
        if name == "$env":
            return lambda frame: dict(frame.variables)

        def run(frame: Frame) -> Any:
            value = frame.variables.get(name, _EMPTY)
            if value is not _EMPTY:
                return value
            if frame.strict:
                raise Fault(f"unknown name {name}")
            return None

        return self._located(node, run)

    def _unary(self, node: nodes.Unary) -> Run:
        operand = self.compile(node.operand)
        if node.operator in ("!", "not"):
            return self._located(node, lambda frame: not operators.logical(operand(frame)))
        if node.operator == "-":
            return self._located(node, lambda frame: operators.negate(operand(frame)))
        return operand

    def _binary(self, node: nodes.Binary) -> Run:
        if node.operator in _LOGIC:
            return self._logic(node, _LOGIC[node.operator])
        left, right = self.compile(node.left), self.compile(node.right)
        if node.operator == "??":
            return lambda frame: right(frame) if operators.is_nil(value := left(frame)) else value
        operate = _OPERATORS.get(node.operator)
        if operate is None:
            return self._located(node, _range(left, right))
        return self._located(node, lambda frame: operate(left(frame), right(frame)))

    def _logic(self, node: nodes.Binary, decisive: bool) -> Run:
        """`and` and `or`: a constant operand drops out, the right one gives its value as it is."""
        left, right = self.compile(node.left), self.compile(node.right)
        for constant, other in ((node.left, right), (node.right, left)):
            if isinstance(constant, nodes.Constant) and isinstance(constant.value, bool):
                return (lambda _: decisive) if constant.value is decisive else other

        def run(frame: Frame) -> Any:
            return decisive if operators.logical(left(frame)) is decisive else right(frame)

        return self._located(node, run)

    def _member(self, node: nodes.Member) -> Run:
        base, key = self.compile(node.base), self.compile(node.key)
        if node.optional:
            return self._located(node, lambda frame: _fetch_optional(base(frame), key, frame))
        if isinstance(node.key, nodes.Constant):
            name = node.key.value
            return self._located(node, lambda frame: members.fetch(base(frame), name))
        return self._located(node, lambda frame: members.fetch(base(frame), key(frame)))

    def _slice(self, node: nodes.Slice) -> Run:
        base = self.compile(node.base)
        start = self.compile(node.start) if node.start else _nil
        stop = self.compile(node.stop) if node.stop else _nil
        return self._located(node, lambda frame: operators.cut(base(frame), start(frame), stop(frame)))

    def _call(self, node: nodes.Call) -> Run:
        callee = self.compile(node.callee)
        arguments = [self.compile(argument) for argument in node.arguments]

        def run(frame: Frame) -> Any:
            function = callee(frame)
            if not isinstance(function, Function):
                raise Fault(f"{text.type_name(function)} is not a function")
            values = [argument(frame) for argument in arguments]
            function.check([ANY] * len(values))
            return function.run(frame, values)

        return self._located(node, run)

    def _builtin(self, node: nodes.Builtin) -> Run:
        if node.name in predicates.BUILDERS:
            return self._located(node, self._loop(node))
        function = self._builtins[node.name]
        arguments = [self.compile(argument) for argument in node.arguments]
        return self._located(node, lambda frame: function.run(frame, [argument(frame) for argument in arguments]))

    def _loop(self, node: nodes.Builtin) -> Run:
        collection = self.compile(node.arguments[0])
        before = self._size
        body = self.compile(node.arguments[1]) if len(node.arguments) > 1 else None
        loop = predicates.Loop(collection, body, self._size - before + 1)
        last = self.compile(node.arguments[2]) if len(node.arguments) > 2 else None
        return predicates.BUILDERS[node.name](loop, last)

    def _let(self, node: nodes.Let) -> Run:
        value, name = self.compile(node.value), node.name
        self._bound.append(name)
        body = self.compile(node.body)
        self._bound.pop()

        def run(frame: Frame) -> Any:
            frame.bound[name] = value(frame)
            return body(frame)

        return run

    def _conditional(self, node: nodes.Conditional) -> Run:
        condition, then, otherwise = map(self.compile, (node.condition, node.then, node.otherwise))
        check = self._located(node, lambda frame: operators.logical(condition(frame)))
        return lambda frame: then(frame) if check(frame) else otherwise(frame)

    def _map(self, node: nodes.Map) -> Run:
        pairs = [(self.compile(key), self.compile(value)) for key, value in node.pairs]

        def run(frame: Frame) -> dict[str, Any]:
            result: dict[str, Any] = {}
            for key, value in pairs:
                name = key(frame)
                if not isinstance(name, str):
                    raise Fault(f"a map key must be a string, not {text.type_name(name)}")
                result[name] = value(frame)
            return result

        return self._located(node, run)


def _nil(_: Frame) -> None:
    return None


def _range(left: Run, right: Run) -> Run:
    def run(frame: Frame) -> list[int]:
        first, last = operators.to_integer(left(frame)), operators.to_integer(right(frame))
        frame.spend(max(0, last - first + 1))
        return list(range(first, last + 1))

    return run


class _Absent(Exception):
    """A chain met nil."""


def _fetch_optional(base: Any, key: Run, frame: Frame) -> Any:
    if base is None:
        raise _Absent
    return members.fetch(base, key(frame))


def _chain(body: Run) -> Run:
    def run(frame: Frame) -> Any:
        try:
            return body(frame)
        except _Absent:
            return None

    return run


def _sequence(items: list[Run]) -> Run:
    def run(frame: Frame) -> Any:
        value: Any = None
        for item in items:
            value = item(frame)
        return value

    return run


def _array(items: list[Run]) -> Run:
    def run(frame: Frame) -> list[Any]:
        frame.spend(len(items))
        return [item(frame) for item in items]

    return run


def _text_test(test: Callable[[str, str], bool]) -> Callable[[Any, Any], bool]:
    def run(left: Any, right: Any) -> bool:
        if left is None or right is None:
            return False
        if isinstance(left, bytes):
            left = text.from_bytes(left)
        if not isinstance(left, str) or not isinstance(right, str):
            raise Fault(f"expected two strings, not {text.type_name(left)} and {text.type_name(right)}")
        return test(left, right)

    return run


_LOGIC = {"and": False, "&&": False, "or": True, "||": True}
_POINTERS: dict[str, Run] = {
    "": lambda frame: frame.cursor.item,
    "index": lambda frame: frame.cursor.index,
    "acc": lambda frame: frame.cursor.accumulator,
}
_OPERATORS: dict[str, Callable[[Any, Any], Any]] = {
    "==": operators.equal,
    "!=": lambda left, right: not operators.equal(left, right),
    "<": operators.less,
    ">": operators.more,
    "<=": operators.less_or_equal,
    ">=": operators.more_or_equal,
    "+": operators.add,
    "-": operators.subtract,
    "*": operators.multiply,
    "/": operators.divide,
    "%": operators.modulo,
    "**": operators.power,
    "^": operators.power,
    "in": operators.contained,
    "matches": _text_test(lambda left, right: patterns.found_in(right, left)),
    "contains": _text_test(lambda left, right: right in left),
    "startsWith": _text_test(str.startswith),
    "endsWith": _text_test(str.endswith),
}
