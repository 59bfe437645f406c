"""The layout of `@pretty` (tidwall/pretty): two spaces, short arrays on one line, options in the argument."""

from typing import Any

from eventflow.model.document import dumps


def pretty(value: Any, options: dict[str, Any]) -> str:
    """Lay JSON out over lines, ending with a line break.

    Options: `sortKeys`, `indent` and `prefix` (white space only), `width` of an array that stays on one line (80).
    """
    indent = _spaces(options.get("indent", "  "))
    prefix = _spaces(options.get("prefix", ""))
    width = options.get("width", 80)
    writer = _Writer(
        indent, prefix, int(width) if isinstance(width, int | float) else 80, bool(options.get("sortKeys"))
    )
    return f"{prefix}{writer.write(value, 0)}\n"


def _spaces(text: Any) -> str:
    return "".join(char for char in str(text) if char in " \t\n\r")


class _Writer:
    def __init__(self, indent: str, prefix: str, width: int, sort: bool) -> None:
        self._indent, self._prefix, self._width, self._sort = indent, prefix, width, sort

    def write(self, value: Any, depth: int) -> str:
        if isinstance(value, dict) and value:
            items = sorted(value.items()) if self._sort else value.items()
            return self._block("{", [f"{dumps(k)}: {self.write(v, depth + 1)}" for k, v in items], "}", depth)
        if isinstance(value, list) and value:
            return self._one_line(value, depth) or self._block(
                "[", [self.write(item, depth + 1) for item in value], "]", depth
            )
        return dumps(value)

    def _one_line(self, values: list[Any], depth: int) -> str | None:
        if any(isinstance(value, dict) and value for value in values):
            return None
        line = "[" + ", ".join(self.write(value, depth) for value in values) + "]"
        fits = len(self._prefix) + len(self._indent) * depth + len(line) <= self._width
        return line if fits and "\n" not in line else None

    def _block(self, opening: str, lines: list[str], closing: str, depth: int) -> str:
        inner = "\n" + self._prefix + self._indent * (depth + 1)
        return opening + inner + ("," + inner).join(lines) + "\n" + self._prefix + self._indent * depth + closing
