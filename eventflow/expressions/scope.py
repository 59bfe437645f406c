"""The variables of a template: dotted names, which expressions see as nested maps."""

from collections.abc import Iterator, Mapping
from typing import Any

_ABSENT: Any = object()


class Scope(Mapping[str, Any]):
    """Variables by dotted name, over those of a parent that they hide.

    Nested maps are made when an expression first asks for their root, and kept; so a scope that many renderings share
    is best made once, with a small child for what differs. The values must not change afterwards.
    """

    __slots__ = ("_nested", "_parent", "_roots", "_values")

    def __init__(self, values: Mapping[str, Any], parent: "Scope | None" = None) -> None:
        self._values = values
        self._parent = parent
        self._nested: dict[str, Any] = {}
        self._roots: dict[str, list[str]] | None = None

    @classmethod
    def of(cls, values: "Mapping[str, Any] | Scope") -> "Scope":
        """Return a scope as it is, anything else as a scope of its own."""
        return values if isinstance(values, Scope) else cls(values)

    def __getitem__(self, name: str) -> Any:
        value = self.get(name, _ABSENT)
        if value is _ABSENT:
            raise KeyError(name)
        return value

    def get(self, name: str, default: Any = None) -> Any:
        """Return the value of a dotted name."""
        value = self._values.get(name, _ABSENT)
        if value is not _ABSENT:
            return value
        return default if self._parent is None else self._parent.get(name, default)

    def __iter__(self) -> Iterator[str]:
        yield from self._values
        if self._parent is not None:
            yield from (name for name in self._parent if name not in self._values)

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def has(self, path: str) -> bool:
        """Return whether a path leads to a value, be it nil, or to a map of values."""
        if path in self._values:
            return True
        root, *rest = path.split(".")
        current = self.root(root, _ABSENT)
        for part in rest:
            if not isinstance(current, dict) or part not in current:
                return False
            current = current[part]
        return current is not _ABSENT

    def root(self, name: str, default: Any = None) -> Any:
        """Return what an expression sees under the first part of dotted names: a value or nested maps."""
        if name not in self._nested:
            names = self._names(name)
            self._nested[name] = _nest(name, {each: self[each] for each in names}) if names else _ABSENT
        value = self._nested[name]
        return default if value is _ABSENT else value

    def variables(self, roots: tuple[str, ...]) -> dict[str, Any]:
        """Return the variables of an expression that uses these roots."""
        found = {name: self.root(name, _ABSENT) for name in roots}
        return {name: value for name, value in found.items() if value is not _ABSENT}

    def _names(self, root: str) -> list[str]:
        if self._roots is None:
            self._roots = {}
            for name in self._values:
                self._roots.setdefault(name.split(".", 1)[0], []).append(name)
        inherited = self._parent._names(root) if self._parent is not None else []
        return [*self._roots.get(root, ()), *inherited]


def _nest(root: str, values: Mapping[str, Any]) -> Any:
    """Return nested maps; a name that others continue gives way to them (util/expand of Argo)."""
    longer = sorted(name for name in values if name != root)
    if not longer:
        return values[root]
    result = _Branch()
    for name in longer:
        _insert(result, name.split(".")[1:], values[name])
    return result


def _insert(holder: dict[str, Any], parts: list[str], value: Any) -> None:
    for part in parts[:-1]:
        inner = holder.get(part)
        if not isinstance(inner, _Branch):
            inner = holder[part] = _Branch()
        holder = inner
    if not isinstance(holder.get(parts[-1]), _Branch):
        holder[parts[-1]] = value


class _Branch(dict[str, Any]):
    """A map made of dotted names, to tell it from a value that is a map."""
