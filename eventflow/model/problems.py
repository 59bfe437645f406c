"""What is wrong with a file of manifests, each with its place, all told at once."""

from collections.abc import Sequence
from dataclasses import dataclass

from eventflow.errors import Location, UserError


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that keeps a manifest from being used.

    `rule` is a short stable name: unknown-field, wrong-type … `source` is the line of the file that it is about.
    """

    rule: str
    message: str
    location: Location
    hint: str | None = None
    source: str = ""

    def __str__(self) -> str:
        advice = f" ({self.hint})" if self.hint else ""
        return f"{self.location}: {self.message}{advice}"


class ManifestError(UserError):
    """Manifests that cannot be used as they are. `problems` has everything that was found, in order of place."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        first = self.problems[0]
        more = len(self.problems) - 1
        message = first.message if not more else f"{first.message} (and {more} more)"
        super().__init__(message, location=first.location, hint=first.hint)

    def __str__(self) -> str:
        return "\n".join(str(problem) for problem in self.problems)
