"""What the linter says, and the places it says it about."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Literal, Self

from eventflow.errors import Location, UserError
from eventflow.lint import rules
from eventflow.model.manifest import Resource
from eventflow.model.source import line_of, value_at

Severity = Literal["error", "warning", "info"]
Steps = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing worth knowing. `rule` is a name of `rules.RULES`; `source` is the text of the line it is about."""

    severity: Severity
    rule: str
    message: str
    location: Location
    hint: str | None = None
    source: str = ""


@dataclass(frozen=True, slots=True)
class Place:
    """A value of a resource's manifest, by its path."""

    resource: Resource
    path: Steps = ()

    def at(self, *steps: str | int) -> Self:
        """Return a place below this one."""
        return type(self)(self.resource, (*self.path, *steps))

    @property
    def value(self) -> Any:
        """What stands there, None if nothing does."""
        return value_at(self.resource.manifest, self.path)

    def mapping(self, *steps: str | int) -> dict[str, Any]:
        """Return the mapping below, an empty one if there is none."""
        found = value_at(self.resource.manifest, (*self.path, *steps))
        return found if isinstance(found, dict) else {}

    def items(self, *steps: str | int) -> Iterator["Place"]:
        """Give the places of the mappings in the list below."""
        found = value_at(self.resource.manifest, (*self.path, *steps))
        for index, item in enumerate(found if isinstance(found, list) else ()):
            if isinstance(item, dict):
                yield self.at(*steps, index)

    def text(self, *steps: str | int) -> str:
        """Return the text below, empty if there is none."""
        found = value_at(self.resource.manifest, (*self.path, *steps))
        return found if isinstance(found, str) else ""


@dataclass(slots=True)
class Report:
    """Collects findings."""

    findings: list[Finding] = field(default_factory=list)

    def error(self, rule: str, message: str, place: Place, hint: str | None = None) -> None:
        """Something that cannot work."""
        self.add("error", rule, message, place, place.resource.locate(place.path), hint)

    def warning(self, rule: str, message: str, place: Place, hint: str | None = None) -> None:
        """Something that works, but hardly as meant."""
        self.add("warning", rule, message, place, place.resource.locate(place.path), hint)

    def info(self, rule: str, message: str, place: Place, hint: str | None = None) -> None:
        """Something good to know."""
        self.add("info", rule, message, place, place.resource.locate(place.path), hint)

    def within(
        self,
        severity: Severity,
        rule: str,
        message: str,
        place: Place,
        where: tuple[int, int],
        hint: str | None = None,
    ) -> None:
        """Something at a line and column (from 1) of the text at `place`."""
        self.add(severity, rule, message, place, place.resource.locate_within(place.path, *where), hint)

    def user_error(self, rule: str, error: UserError, place: Place, *, severity: Severity = "error") -> None:
        """What another part of eventflow refuses; its location is taken as one within the text at `place`."""
        where = (error.location.line, error.location.column) if error.location else (0, 0)
        if where[0]:
            self.within(severity, rule, error.message, place, where, error.hint)
        else:
            self.add(severity, rule, error.message, place, place.resource.locate(place.path), error.hint)

    def add(
        self, severity: Severity, rule: str, message: str, place: Place, location: Location, hint: str | None = None
    ) -> None:
        """Add a finding at a location of the place's file."""
        assert rule in rules.RULES, rule
        source = line_of(place.resource.document.source, location.line)
        self.findings.append(Finding(severity, rule, message, location, hint, source))
