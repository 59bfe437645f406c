"""The script languages a matcher needs, handed in so that matching itself stays pure."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from eventflow.sensors.decision import FilterError


class _Nothing:
    def __repr__(self) -> str:
        return "NOTHING"


NOTHING: Final = _Nothing()
"""What a jq program without output, or a Lua script without a result, gives."""


@dataclass(frozen=True, slots=True)
class Evaluators:
    """`jq(program, value)` gives the first output, `lua(script, value)` the last result; both may give NOTHING.

    Values are decoded JSON. Both raise FilterError when the script is wrong or fails.
    """

    jq: Callable[[str, Any], Any]
    lua: Callable[[str, Any], Any]


def _absent(language: str) -> Callable[[str, Any], Any]:
    def evaluate(_script: str, _value: Any) -> Any:
        raise FilterError("script", f"{language} is not available here")

    return evaluate


NONE: Final = Evaluators(_absent("jq"), _absent("Lua"))
