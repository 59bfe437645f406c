"""Regular expressions of Go (RE2: linear time, no back-references), compiled once."""

from functools import lru_cache
from typing import Any

import re2

from eventflow.expressions.expr.errors import Fault

_OPTIONS = re2.Options()
_OPTIONS.log_errors = False
_MAXIMUM_PATTERN = 4_096


@lru_cache(maxsize=512)
def compile_pattern(pattern: str) -> Any:
    """Return a compiled pattern. Raises Fault with RE2's reason."""
    if len(pattern) > _MAXIMUM_PATTERN:
        raise Fault(f"the regular expression is longer than {_MAXIMUM_PATTERN} characters")
    try:
        return re2.compile(pattern, _OPTIONS)  # type: ignore[no-untyped-call]
    except (re2.error, UnicodeEncodeError) as error:
        reason = error.args[0]
        raise Fault(f"error parsing regexp: {reason.decode() if isinstance(reason, bytes) else reason}") from error


def found_in(pattern: str, subject: str) -> bool:
    """Return whether a pattern matches anywhere in a text. Raises Fault for a bad pattern."""
    return compile_pattern(pattern).search(subject) is not None
