"""The types of sub-expressions as far as they are known: `dyn` is anything, and agrees with everything."""

from typing import Any, Final, Protocol

from eventflow.expressions.cel import ir
from eventflow.expressions.cel.functions import library
from eventflow.expressions.cel.values import CLASSES

DYN: Final = "dyn"
_NUMBERS: Final = frozenset(("int", "uint", "double"))
_ORDERED: Final = _NUMBERS | {"string", "bytes", "bool", "timestamp", "duration"}
_COMPARISONS: Final = frozenset(("_<_", "_<=_", "_>_", "_>=_"))
_SYMBOLS: Final = {"@in": "in", "!_": "!", "-_": "-"}
OPERATORS: Final = frozenset((*_COMPARISONS, "_==_", "_!=_", "@in", "_+_", "_-_", "_*_", "_/_", "_%_", "!_", "-_"))
_KIND_OF_CLASS: Final = {cls: kind for kind, classes in CLASSES.items() for cls in classes}
_ADDABLE: Final = _NUMBERS | {"string", "bytes", "list", "duration"}
_ARITHMETIC: Final = {
    "_+_": _ADDABLE,
    "_-_": _NUMBERS | {"duration"},
    "_*_": _NUMBERS,
    "_/_": _NUMBERS,
    "_%_": _NUMBERS - {"double"},
}
_MIXED: Final = {
    ("_+_", "timestamp", "duration"): "timestamp",
    ("_+_", "duration", "timestamp"): "timestamp",
    ("_-_", "timestamp", "duration"): "timestamp",
    ("_-_", "timestamp", "timestamp"): "duration",
}


class Report(Protocol):
    def __call__(self, node: ir.Node, message: str, *, hint: str | None = ..., severity: Any = ...) -> None: ...


def infer(node: ir.Node, report: Report) -> str:
    """The type of a node; contradictions under it are reported on the way."""
    kinds = [infer(child, report) for child in ir.children(node)]
    match node:
        case ir.Const():
            return _KIND_OF_CLASS.get(node.value.__class__, DYN)
        case ir.Var() | ir.Local():
            return DYN
        case ir.Select():
            return _select(node, kinds[0], report)
        case ir.Has():
            _check_container(node, node.field, kinds[0], report)
            return "bool"
        case ir.Index():
            return _index(node, kinds[0], report)
        case ir.ListLiteral():
            return "list"
        case ir.MapLiteral():
            return "map"
        case ir.Call():
            return _call(node, kinds, report)
        case ir.Logic():
            return _logic(node, kinds, report)
        case ir.Cond():
            return _cond(node, kinds, report)
        case ir.Bind():
            return kinds[1]
        case ir.OptMap():
            return "optional"
        case ir.Comprehension():
            return _comprehension(node, kinds, report)


def _select(node: ir.Select, target: str, report: Report) -> str:
    _check_container(node, node.field, target, report)
    return "optional" if node.optional or target == "optional" else DYN


def _check_container(node: ir.Node, field: str, kind: str, report: Report) -> None:
    if kind not in (DYN, "map", "optional"):
        report(node, f"{kind} has no field {field!r}")


def _index(node: ir.Index, target: str, report: Report) -> str:
    if target not in (DYN, "map", "list", "optional"):
        report(node, f"{target} cannot be indexed")
    return "optional" if node.optional or target == "optional" else DYN


def _logic(node: ir.Logic, kinds: list[str], report: Report) -> str:
    for operand, kind in zip(node.operands, kinds, strict=True):
        if kind not in (DYN, "bool"):
            report(operand, f"operand of {node.operator} is {kind}, not bool", hint="compare it with something")
    return "bool"


def _cond(node: ir.Cond, kinds: list[str], report: Report) -> str:
    if kinds[0] not in (DYN, "bool"):
        report(node.condition, f"the condition is {kinds[0]}, not bool")
    return kinds[1] if kinds[1] == kinds[2] else DYN


def _comprehension(node: ir.Comprehension, kinds: list[str], report: Report) -> str:
    if kinds[0] not in (DYN, "list", "map"):
        report(node, f"the macro {node.macro} needs a list or a map, not {kinds[0]}")
    if node.condition is not None and kinds[1] not in (DYN, "bool"):
        report(node.condition, f"the condition of {node.macro} is {kinds[1]}, not bool")
    if node.macro in ("all", "exists", "exists_one"):
        return "bool"
    return "map" if node.macro == "transformMap" else "list"


def _call(node: ir.Call, kinds: list[str], report: Report) -> str:
    if node.function in OPERATORS:
        return _operator(node, kinds, report)
    function = library.FUNCTIONS.get(node.function)
    if function is None or not function.takes(len(kinds)):
        return DYN
    if any(
        kind != DYN and allowed and kind not in allowed for kind, allowed in zip(kinds, function.params, strict=False)
    ):
        _no_overload(node, kinds, report)
    return function.result


def _operator(node: ir.Call, kinds: list[str], report: Report) -> str:
    name = node.function
    if name in ("_==_", "_!=_"):
        _check_comparable(node, kinds, report)
        return "bool"
    if name == "!_":
        if kinds[0] not in (DYN, "bool"):
            _no_overload(node, kinds, report)
        return "bool"
    if name == "@in":
        if kinds[1] not in (DYN, "list", "map"):
            report(node, f"'in' needs a list or a map, not {kinds[1]}", hint=_part_of(kinds))
        return "bool"
    if DYN in kinds:
        return "bool" if name in _COMPARISONS else DYN
    if name in _COMPARISONS:
        if kinds[0] not in _ORDERED or not (kinds[0] == kinds[1] or _NUMBERS.issuperset(kinds)):
            _no_overload(node, kinds, report)
        return "bool"
    return _arithmetic(node, kinds, report)


def _arithmetic(node: ir.Call, kinds: list[str], report: Report) -> str:
    if node.function == "-_":
        if kinds[0] not in ("int", "double"):
            _no_overload(node, kinds, report)
        return kinds[0]
    mixed = _MIXED.get((node.function, kinds[0], kinds[1]))
    if mixed is None and (kinds[0] != kinds[1] or kinds[0] not in _ARITHMETIC[node.function]):
        _no_overload(node, kinds, report)
    return mixed or kinds[0]


def _check_comparable(node: ir.Call, kinds: list[str], report: Report) -> None:
    same = kinds[0] == kinds[1] or _NUMBERS.issuperset(kinds)
    if not same and DYN not in kinds and "null" not in kinds:
        answer = "false" if node.function == "_==_" else "true"
        report(node, f"comparing {kinds[0]} with {kinds[1]} is always {answer}", severity="warning")


def _part_of(kinds: list[str]) -> str | None:
    return "write text.contains(part)" if kinds[1] == "string" else None


def _no_overload(node: ir.Call, kinds: list[str], report: Report) -> None:
    name = _SYMBOLS.get(node.function) or node.function.strip("_")
    hint = "convert with int(), double() or string()" if len(set(kinds)) > 1 else None
    if node.function not in OPERATORS:
        hint = library.FUNCTIONS[node.function].signature
    report(node, f"found no matching overload for '{name}' applied to ({', '.join(kinds)})", hint=hint)
