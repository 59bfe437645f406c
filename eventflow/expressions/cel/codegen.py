"""One Python function from the nodes of an expression."""

import ast
import builtins
from collections.abc import Callable, Mapping
from typing import Any, Final, cast

from eventflow.expressions.cel import emit, emit_calls, emit_logic, emit_loops, ir, pyast
from eventflow.expressions.cel.limits import Budget

Run = Callable[[Mapping[str, Any], Budget], Any]

FILE_NAME: Final = "<cel>"
"""What tracebacks call the generated code."""

_RULES: Final[dict[type, emit.Rule]] = {
    ir.Const: emit.constant,
    ir.Var: emit.variable,
    ir.Local: emit.local,
    ir.Select: emit.select,
    ir.Has: emit.has,
    ir.Index: emit.index,
    ir.ListLiteral: emit.list_literal,
    ir.MapLiteral: emit.map_literal,
    ir.Call: emit_calls.call,
    ir.Logic: emit_logic.logic,
    ir.Cond: emit_logic.condition,
    ir.Bind: emit_logic.bind,
    ir.OptMap: emit_logic.opt_map,
    ir.Comprehension: emit_loops.comprehension,
}


def generate(node: ir.Node) -> Run:
    """A function of the variables and the budget. Raises CelCheckError when the nodes nest too deeply for CPython."""
    emitter = emit.Emitter(_RULES)
    emitter.add(ast.Return(emitter.value(node)), node.span)
    parameters = ast.arguments([], [ast.arg("V"), ast.arg("B")], None, [], [], None, [])
    function = ast.FunctionDef("cel", parameters, emitter.body, [], None)
    pyast.stamp(function, node.span)
    for parameter in parameters.args:
        ast.copy_location(parameter, function)
    code = builtins.compile(ast.Module([function], []), FILE_NAME, "exec")
    # The tree holds no text of the user but constants, and the function sees no built-ins.
    exec(code, emitter.names)  # noqa: S102
    return cast(Run, emitter.names["cel"])
