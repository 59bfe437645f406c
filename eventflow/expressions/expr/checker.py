"""Type errors found before anything is evaluated (expr-lang v1.17 checker): `"a" + 1` is wrong in any branch."""

from collections.abc import Mapping

from eventflow.expressions.expr import kinds, nodes, patterns
from eventflow.expressions.expr.errors import ExprError, Fault, locate
from eventflow.expressions.expr.functions import Function
from eventflow.expressions.expr.kinds import ANY, BOOL, DURATION, FLOAT, INT, MAP, NIL, STRING, TIME, Kind

_INTEGERS = ("Year", "Day", "Hour", "Minute", "Second", "Nanosecond", "YearDay", "ISOWeek", "Date", "Clock", "Compare")
_METHODS: Mapping[Kind, Mapping[str, Kind]] = {
    TIME: {
        **dict.fromkeys((*_INTEGERS, "Unix", "UnixMilli", "UnixMicro", "UnixNano"), INT),
        **dict.fromkeys(("IsZero", "After", "Before", "Equal"), BOOL),
        **dict.fromkeys(("String", "Format", "Zone"), STRING),
        **dict.fromkeys(("UTC", "Local", "In", "Add", "AddDate", "Truncate", "Round"), TIME),
        "Sub": DURATION,
        "Month": Kind("time.Month"),
        "Weekday": Kind("time.Weekday"),
        "Location": kinds.LOCATION,
    },
    DURATION: {
        **dict.fromkeys(("Hours", "Minutes", "Seconds"), FLOAT),
        **dict.fromkeys(("Milliseconds", "Microseconds", "Nanoseconds"), INT),
        **dict.fromkeys(("Abs", "Truncate", "Round"), DURATION),
        "String": STRING,
    },
}
_EQUALITY = ("==", "!=")
_LOGIC = ("and", "&&", "or", "||")
_ORDER = ("<", ">", "<=", ">=")
_TEXT = ("matches", "contains", "startsWith", "endsWith")
_ORDERED_KINDS = (INT, FLOAT, STRING, TIME, DURATION)
_BOOLEAN_PREDICATES = ("all", "none", "any", "one", "filter", "find", "findIndex", "findLast", "findLastIndex", "count")


def check(
    tree: nodes.Node,
    source: str,
    variables: Mapping[str, Kind],
    builtins: Mapping[str, Function],
    functions: Mapping[str, Function],
) -> Kind:
    """Return the kind of an expression, given the kinds of its variables. Raises ExprError with the place."""
    return _Checker(source, variables, builtins, functions).visit(tree)


class _Checker:
    def __init__(
        self,
        source: str,
        variables: Mapping[str, Kind],
        builtins: Mapping[str, Function],
        functions: Mapping[str, Function],
    ) -> None:
        self._source = source
        self._variables = variables
        self._builtins = builtins
        self._functions = functions
        self._bound: list[tuple[str, Kind]] = []
        self._pointers: list[dict[str, Kind]] = []

    def fault(self, node: nodes.Node, message: str) -> ExprError:
        return ExprError(message, location=locate(self._source, node.offset))

    def visit(self, node: nodes.Node) -> Kind:
        match node:
            case nodes.Constant(value=value):
                return kinds.of_value(value)
            case nodes.Identifier():
                return self._identifier(node)
            case nodes.Pointer():
                return self._pointer(node)
            case nodes.Unary():
                return self._unary(node)
            case nodes.Binary():
                return self._binary(node)
            case nodes.Member():
                return self._member(node)
            case nodes.Chain(body=body) | nodes.Predicate(body=body):
                return self.visit(body)
            case nodes.Slice():
                return self._slice(node)
            case nodes.Call():
                return self._call(node)
            case nodes.Builtin():
                return self._builtin(node)
            case nodes.Let():
                return self._let(node)
            case nodes.Sequence(items=items):
                return [self.visit(item) for item in items][-1]
            case nodes.Conditional():
                return self._conditional(node)
            case nodes.Array(items=items):
                return self._array(items)
            case nodes.Map(pairs=pairs):
                for pair in pairs:
                    self.visit(pair[0])
                    self.visit(pair[1])
                return MAP
        raise self.fault(node, "unknown syntax")

    def _identifier(self, node: nodes.Identifier) -> Kind:
        for name, kind in reversed(self._bound):
            if name == node.name:
                return kind
        if node.name in self._functions:
            return kinds.FUNCTION
        return self._variables.get(node.name, ANY)

    def _pointer(self, node: nodes.Pointer) -> Kind:
        known = self._pointers[-1] if self._pointers else {}
        if node.name not in known:
            raise self.fault(node, f"unknown pointer #{node.name}")
        return known[node.name]

    def _unary(self, node: nodes.Unary) -> Kind:
        kind = self.visit(node.operand)
        if node.operator in ("!", "not"):
            if kind in (BOOL, ANY):
                return BOOL
        elif kinds.is_number(kind) or kind == ANY:
            return kind
        raise self.fault(node, f"invalid operation: {node.operator} (mismatched type {kind})")

    def _binary(self, node: nodes.Binary) -> Kind:
        left, right = self.visit(node.left), self.visit(node.right)
        if node.operator == "in":
            return self._in(node, left, right)
        if node.operator == "matches" and isinstance(node.right, nodes.Constant) and isinstance(node.right.value, str):
            self._pattern(node, node.right.value)
        result = _result(node.operator, left, right)
        if result is None:
            raise self.fault(node, f"invalid operation: {node.operator} (mismatched types {left} and {right})")
        return result

    def _pattern(self, node: nodes.Node, pattern: str) -> None:
        try:
            patterns.compile_pattern(pattern)
        except Fault as fault:
            raise self.fault(node, str(fault)) from fault

    def _in(self, node: nodes.Binary, left: Kind, right: Kind) -> Kind:
        if right in (MAP, kinds.OPEN_MAP):
            if right == MAP and left not in (STRING, ANY):
                raise self.fault(node, f"cannot use {left} as type string in map key")
            return BOOL
        if kinds.is_array(right):
            if not kinds.comparable(left, kinds.element_of(right)):
                raise self.fault(node, f"cannot use {left} as type {right.element} in array")
            return BOOL
        if right == ANY or (left == ANY and right == STRING):
            return BOOL
        raise self.fault(node, f"invalid operation: in (mismatched types {left} and {right})")

    def _member(self, node: nodes.Member) -> Kind:
        if isinstance(node.base, nodes.Identifier) and node.base.name == "$env":
            return ANY
        base, key = self.visit(node.base), self.visit(node.key)
        if base == NIL:
            raise self.fault(node, "nil has no members")
        if base == MAP and key not in (STRING, ANY):
            raise self.fault(node, f"cannot use {key} to get an element from {base}")
        if kinds.is_array(base):
            if key not in (INT, ANY):
                raise self.fault(node, f"array elements can only be selected using an integer (got {key})")
            return kinds.element_of(base)
        if base in (STRING, BOOL, INT, FLOAT):
            raise self.fault(node, f"type {base} has no members")
        return ANY

    def _slice(self, node: nodes.Slice) -> Kind:
        kind = self.visit(node.base)
        if kind == ANY:
            return ANY
        if kind not in (STRING, kinds.BYTES) and not kinds.is_array(kind):
            raise self.fault(node, f"cannot slice {kind}")
        for bound in (node.start, node.stop):
            if bound is not None and (found := self.visit(bound)) not in (INT, ANY):
                raise self.fault(bound, f"non-integer slice index {found}")
        return kind

    def _call(self, node: nodes.Call) -> Kind:
        callee = self._method(node.callee) or self.visit(node.callee)
        given = [self.visit(argument) for argument in node.arguments]
        if isinstance(node.callee, nodes.Identifier) and node.callee.name in self._functions:
            return self._apply(node, self._functions[node.callee.name], given)
        if isinstance(node.callee, nodes.Member) and callee != kinds.FUNCTION:
            return callee
        if callee not in (ANY, kinds.FUNCTION):
            raise self.fault(node, f"{callee} is not callable")
        return ANY

    def _method(self, callee: nodes.Node) -> Kind | None:
        """Return what a method of a time or a duration gives, None for anything else."""
        if not isinstance(callee, nodes.Member) or not isinstance(callee.key, nodes.Constant):
            return None
        base = self.visit(callee.base)
        methods = _METHODS.get(base)
        if methods is None:
            return None
        name = str(callee.key.value)
        if name not in methods:
            raise self.fault(callee, f"type {base} has no method {name}")
        return methods[name]

    def _apply(self, node: nodes.Node, function: Function, given: list[Kind]) -> Kind:
        try:
            return function.check(given)
        except Fault as fault:
            raise self.fault(node, str(fault)) from fault

    def _builtin(self, node: nodes.Builtin) -> Kind:
        if node.name in self._builtins:
            return self._apply(node, self._builtins[node.name], [self.visit(argument) for argument in node.arguments])
        collection = self.visit(node.arguments[0])
        if not kinds.is_array(collection) and collection != ANY:
            raise self.fault(node.arguments[0], f"builtin {node.name} takes only array (got {collection})")
        element = kinds.element_of(collection)
        body = element
        if len(node.arguments) > 1:
            body = self._predicate(node, element)
        if node.name == "sortBy" and len(node.arguments) == 3:
            order = self.visit(node.arguments[2])
            if order not in (STRING, ANY):
                raise self.fault(node.arguments[2], f"sortBy order argument must be a string (got {order})")
        elif len(node.arguments) == 3:
            self.visit(node.arguments[2])
        return _predicate_result(node.name, collection, element, body)

    def _predicate(self, node: nodes.Builtin, element: Kind) -> Kind:
        scope = {"": element}
        if node.name in ("map", "reduce"):
            scope["index"] = INT
        if node.name == "reduce":
            scope["acc"] = ANY
        self._pointers.append(scope)
        body = self.visit(node.arguments[1])
        self._pointers.pop()
        if node.name in _BOOLEAN_PREDICATES and body not in (BOOL, ANY):
            raise self.fault(node.arguments[1], f"predicate should return boolean (got {body})")
        return body

    def _let(self, node: nodes.Let) -> Kind:
        taken = node.name in self._variables or node.name in self._functions or node.name in self._builtins
        if taken or any(name == node.name for name, _ in self._bound):
            raise self.fault(node, f"cannot redeclare {node.name}")
        self._bound.append((node.name, self.visit(node.value)))
        kind = self.visit(node.body)
        self._bound.pop()
        return kind

    def _conditional(self, node: nodes.Conditional) -> Kind:
        condition = self.visit(node.condition)
        if condition not in (BOOL, ANY):
            raise self.fault(node.condition, f"non-bool expression (type {condition}) used as condition")
        then, otherwise = self.visit(node.then), self.visit(node.otherwise)
        if then == NIL:
            return otherwise
        if otherwise == NIL or then == otherwise:
            return then
        return kinds.ARRAY if kinds.is_array(then) and kinds.is_array(otherwise) else ANY

    def _array(self, items: tuple[nodes.Node, ...]) -> Kind:
        found = [self.visit(item) for item in items]
        same = bool(found) and all(kind.name == found[0].name for kind in found)
        return kinds.array_of(found[-1]) if same and found[0] not in (ANY, NIL) else kinds.ARRAY


def _result(operator: str, left: Kind, right: Kind) -> Kind | None:
    if operator in _EQUALITY:
        return BOOL if kinds.comparable(left, right) else None
    if operator in _LOGIC:
        return BOOL if left in (BOOL, ANY) and right in (BOOL, ANY) else None
    if operator in _ORDER:
        return BOOL if _same_order(left, right) else None
    if operator in _TEXT:
        fits = left in (STRING, ANY) or (operator == "matches" and left == kinds.BYTES)
        return BOOL if fits and right in (STRING, ANY) else None
    if operator == "??":
        return _coalesced(left, right)
    if operator == "..":
        return kinds.array_of(INT) if left in (INT, ANY) and right in (INT, ANY) else None
    return _arithmetic(operator, left, right)


def _same_order(left: Kind, right: Kind) -> bool:
    if ANY in (left, right):
        return (left if right == ANY else right) in (*_ORDERED_KINDS, ANY)
    return left in _ORDERED_KINDS and (left == right or (kinds.is_number(left) and kinds.is_number(right)))


def _coalesced(left: Kind, right: Kind) -> Kind:
    if left == NIL:
        return right
    return left if right in (NIL, left) else ANY


_TIMES = {
    ("+", TIME, DURATION): TIME,
    ("+", DURATION, TIME): TIME,
    ("+", DURATION, DURATION): DURATION,
    ("-", TIME, TIME): DURATION,
    ("-", TIME, DURATION): TIME,
    ("-", DURATION, DURATION): DURATION,
    ("*", DURATION, DURATION): DURATION,
    ("*", DURATION, INT): DURATION,
    ("*", INT, DURATION): DURATION,
    ("*", DURATION, FLOAT): DURATION,
    ("*", FLOAT, DURATION): DURATION,
}
_OPERANDS = {
    "+": (INT, FLOAT, STRING, TIME, DURATION),
    "-": (INT, FLOAT, TIME, DURATION),
    "*": (INT, FLOAT, DURATION),
    "%": (INT,),
}


def _arithmetic(operator: str, left: Kind, right: Kind) -> Kind | None:
    operands = _OPERANDS.get(operator, (INT, FLOAT))
    if ANY in (left, right):
        if all(kind == ANY or kind in operands for kind in (left, right)):
            return {"/": FLOAT, "**": FLOAT, "^": FLOAT, "%": INT}.get(operator, ANY)
        return None
    if left not in operands or right not in operands:
        return None
    if (operator, left, right) in _TIMES:
        return _TIMES[operator, left, right]
    if kinds.is_number(left) and kinds.is_number(right):
        if operator in ("/", "**", "^"):
            return FLOAT
        return FLOAT if FLOAT in (left, right) else INT
    return STRING if left == right == STRING else None


def _predicate_result(name: str, collection: Kind, element: Kind, body: Kind) -> Kind:
    if name in ("all", "none", "any", "one"):
        return BOOL
    if name in ("findIndex", "findLastIndex", "count"):
        return INT
    if name in ("find", "findLast"):
        return element
    if name == "map":
        return kinds.array_of(body)
    if name == "filter":
        return kinds.array_of(element)
    if name == "groupBy":
        return kinds.OPEN_MAP
    return collection if name == "sortBy" else body
