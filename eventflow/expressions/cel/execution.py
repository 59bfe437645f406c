"""Running generated code: one evaluation with its budget, and its errors given a place and a safe message."""

from collections.abc import Mapping
from types import TracebackType
from typing import Any

from eventflow.expressions.cel.codegen import FILE_NAME, Run
from eventflow.expressions.cel.errors import CelError, CelLimitError, Failure, LimitExceeded
from eventflow.expressions.cel.limits import BUDGET


def run(compute: Run, variables: Mapping[str, Any]) -> Any:
    """The value of one evaluation. Raises CelError and nothing else."""
    try:
        return compute(variables, [BUDGET])
    except Exception as failure:
        error = _explained(failure)
    raise error


def _explained(failure: Exception) -> CelError:
    line, column, innermost = _position(failure.__traceback__)
    # The traceback refers to the frames, and so to the event.
    failure.__traceback__ = None
    if isinstance(failure, LimitExceeded):
        return CelLimitError(str(failure), line, column)
    if isinstance(failure, RecursionError | MemoryError):
        return CelLimitError("a value is nested too deeply or too large", line, column)
    if isinstance(failure, Failure):
        return CelError(str(failure), line, column)
    if isinstance(failure, KeyError) and innermost:
        # The key comes from generated code, where keys are constants of the expression and never of the event.
        return CelError(f"no such key: {failure.args[0]!r}", line, column)
    return CelError("no such overload", line, column)


def _position(traceback: TracebackType | None) -> tuple[int, int, bool]:
    """Line and column as recorded in the generated code, and whether it was there that the error arose."""
    line = column = 0
    innermost = False
    while traceback is not None:
        code = traceback.tb_frame.f_code
        innermost = code.co_filename == FILE_NAME
        if innermost:
            start, _, offset, _ = list(code.co_positions())[traceback.tb_lasti // 2]
            line, column = start or 0, (offset or 0) + 1
        traceback = traceback.tb_next
    return line, column, innermost
