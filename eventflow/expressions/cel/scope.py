"""Which variable or type a name stands for. Source: cel-spec doc/langdef.md, "Name resolution".

Variables may have dotted names, and a container lends its prefixes; the longest name that is declared wins.
"""

from collections.abc import Iterator

from eventflow.expressions.cel import ir
from eventflow.expressions.cel.values import NAMED


class Scope:
    """The declared variables, the container, and the macro variables around the place being read."""

    def __init__(self, variables: frozenset[str], container: str = "") -> None:
        self._variables = variables
        self._container = container
        self._locals: list[ir.Local] = []
        self._slots = 0

    def open(self, span: ir.Span, name: str) -> ir.Local:
        """Declare a macro variable; the inner one hides the outer."""
        self._slots += 1
        local = ir.Local(span, name, self._slots)
        self._locals.append(local)
        return local

    def close(self, count: int) -> None:
        del self._locals[-count:]

    def local(self, name: str) -> ir.Local | None:
        return next((local for local in reversed(self._locals) if local.name == name), None)

    def taken(self, name: str) -> bool:
        """Whether a variable of either kind has this name."""
        return self.local(name) is not None or name in self._variables

    def name(self, span: ir.Span, name: str, absolute: bool) -> ir.Node:
        """A lone identifier. An unknown one stays a variable: the checker reports it, a run without check fails."""
        local = None if absolute else self.local(name)
        if local is not None:
            return ir.Local(span, name, local.slot)
        return self._declared(span, [name], absolute) or ir.Var(span, name)

    def qualified(self, span: ir.Span, names: list[str], absolute: bool) -> tuple[ir.Node, list[str]] | None:
        """The declared thing that a prefix of two or more of `names` stands for, and the names left to select."""
        if not absolute and self.local(names[0]) is not None:
            return None
        for length in range(len(names), 1, -1):
            found = self._declared(span, names[:length], absolute)
            if found is not None:
                return found, names[length:]
        return None

    def _declared(self, span: ir.Span, names: list[str], absolute: bool) -> ir.Node | None:
        for prefix in self._prefixes(absolute):
            full = prefix + ".".join(names)
            if full in self._variables:
                return ir.Var(span, full)
            if full in NAMED:
                return ir.Const(span, NAMED[full])
        return None

    def _prefixes(self, absolute: bool) -> Iterator[str]:
        container = "" if absolute else self._container
        while container:
            yield container + "."
            container = container.rpartition(".")[0]
        yield ""
