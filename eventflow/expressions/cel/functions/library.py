"""All functions by name."""

from typing import Final

from eventflow.expressions.cel.functions import (
    addresses,
    data,
    encoders,
    globs,
    lists,
    mathematics,
    optionals,
    regex,
    standard,
    strings,
    time,
)
from eventflow.expressions.cel.functions.registry import Function

_MODULES = (standard, strings, regex, globs, mathematics, lists, encoders, time, data, addresses, optionals)

FUNCTIONS: Final[dict[str, Function]] = {
    function.name: function for module in _MODULES for function in module.FUNCTIONS
}
NAMESPACES: Final = frozenset(name.rpartition(".")[0] for name in FUNCTIONS if "." in name) | {"cel"}
"""What may stand before a dot without being a variable: `math`, `strings`, `base64` ..."""
