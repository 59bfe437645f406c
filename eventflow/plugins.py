"""Plug-ins: things known by name, imported on first use.

A registry maps names to targets in the form of a Python entry point, `module:ATTRIBUTE [extra]`; the optional extra is
what brings the libraries that the module needs. Installed packages add to a registry, and replace its built-in
entries, through an entry-point group (`eventflow.artifacts` ...), so that no code of eventflow lists what they offer.
"""

import difflib
import importlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from importlib import metadata
from typing import Generic, TypeVar, cast

from eventflow.errors import NotFound, UserError

T = TypeVar("T")

_TARGET = re.compile(r"(?P<module>[\w.]+):(?P<attribute>[\w.]+)(?:\s*\[(?P<extra>[\w-]+)\])?$")


class MissingExtra(UserError):
    """A plug-in is known, but the libraries it needs are not installed."""


@dataclass
class Registry(Generic[T]):
    """The plug-ins of one kind. `kind` is the word for messages ("artifact store"), `group` the entry-point group."""

    kind: str
    group: str
    builtin: Mapping[str, str] = field(default_factory=dict)
    _loaded: dict[str, T] = field(default_factory=dict, init=False, repr=False)
    _targets: dict[str, str] | None = field(default=None, init=False, repr=False)

    def __iter__(self) -> Iterator[str]:
        return iter(sorted(self.targets()))

    def __contains__(self, name: object) -> bool:
        return name in self.targets()

    def targets(self) -> Mapping[str, str]:
        """Every known name with its target; nothing is imported."""
        if self._targets is None:
            installed = {point.name: point.value for point in metadata.entry_points(group=self.group)}
            self._targets = {**self.builtin, **installed}
        return self._targets

    def add(self, name: str, plugin: T) -> None:
        """Register a plug-in that is at hand, in place of any other of that name."""
        self._targets = {**self.targets(), name: f"{type(plugin).__module__}:{type(plugin).__qualname__}"}
        self._loaded[name] = plugin

    def load(self, name: str) -> T:
        """Return the plug-in of a name, importing it on first use.

        Raises NotFound for an unknown name (with the known ones), MissingExtra when its libraries are not installed,
        UserError when an installed package offers something that cannot be imported.
        """
        if name not in self._loaded:
            target = self.targets().get(name)
            if target is None:
                raise self._unknown(name)
            self._loaded[name] = self._import(name, target)
        return self._loaded[name]

    def _unknown(self, name: str) -> NotFound:
        known = sorted(self.targets())
        near = difflib.get_close_matches(name, known, n=1)
        hint = f"did you mean '{near[0]}'? " if near else ""
        return NotFound(f"no {self.kind} is called '{name}'", hint=f"{hint}known: {', '.join(known)}")

    def _import(self, name: str, target: str) -> T:
        found = _TARGET.match(target)
        if found is None:
            raise UserError(f"{self.kind} '{name}' points to '{target}', which is not of the form module:ATTRIBUTE")
        try:
            value: object = importlib.import_module(found["module"])
        except ImportError as error:
            raise self._not_importable(name, found["extra"], error) from error
        try:
            for part in found["attribute"].split("."):
                value = getattr(value, part)
        except AttributeError as error:
            raise UserError(f"{self.kind} '{name}' points to '{target}', which does not exist") from error
        return cast(T, value)

    def _not_importable(self, name: str, extra: str | None, error: ImportError) -> UserError:
        foreign = (error.name or "").partition(".")[0] not in ("", "eventflow")
        if extra and foreign:
            message = f"{self.kind} '{name}' needs the package '{error.name}', which is not installed"
            return MissingExtra(message, hint=f"pip install 'eventflow[{extra}]'")
        return UserError(f"{self.kind} '{name}' cannot be imported: {error}")
