"""A verdict on one table or corpus."""

from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True)
class Verdict:
    """What was judged, by case: passed, failed with a difference, or not runnable here with a reason."""

    name: str
    passed: list[str] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)
    not_runnable: dict[str, str] = field(default_factory=dict)

    @property
    def total(self) -> int:
        """How many cases there were."""
        return len(self.passed) + len(self.failed) + len(self.not_runnable)

    def summary(self, differences: int) -> str:
        """Return the line of counts, and below it the first differences."""
        line = (
            f"{self.name}: {len(self.passed)} passed, {len(self.failed)} failed, "
            f"{len(self.not_runnable)} not runnable here"
        )
        shown = [f"  {case}: {text}" for case, text in list(self.failed.items())[:differences]]
        return "\n".join([line, *shown])

    def to_json(self) -> dict[str, Any]:
        """Return the verdict as a plain JSON object."""
        return {"passed": sorted(self.passed), "failed": self.failed, "not_runnable": self.not_runnable}
