"""Semantic versions (semver.org 2.0.0), compared by its rule 11: build metadata does not count."""

import functools
import re

from eventflow.expressions.cel.errors import Failure

_NUMBER = r"(0|[1-9][0-9]{0,18})"
_FORM = re.compile(
    rf"{_NUMBER}\.{_NUMBER}\.{_NUMBER}(?:-([0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*))?(?:\+[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?\Z"
)
_LENIENT = re.compile(r"v?([0-9]{1,18})(?:\.([0-9]{1,18}))?(?:\.([0-9]{1,18}))?(?=[-+]|\Z)")
_LONGEST_TEXT = 256


def _identifier(text: str) -> tuple[int, int, str]:
    # Numeric identifiers compare as numbers and are lower than words.
    return (0, int(text), "") if text.isdigit() else (1, 0, text)


@functools.total_ordering
class Semver:
    """A version: three numbers and an optional pre-release."""

    __slots__ = ("key", "text")

    def __init__(self, text: str) -> None:
        form = _FORM.match(text) if len(text) <= _LONGEST_TEXT else None
        if form is None or any(
            part != "0" and part.isdigit() and part[0] == "0" for part in (form[4] or "").split(".")
        ):
            raise Failure("not a semantic version")
        self.text = text
        numbers = (int(form[1]), int(form[2]), int(form[3]))
        # A release follows all its pre-releases.
        prerelease = (0, tuple(map(_identifier, form[4].split(".")))) if form[4] else (1, ())
        self.key = (numbers, prerelease)

    @classmethod
    def normalized(cls, text: str) -> "Semver":
        """Also v1.2.3, 1.2 and 01.2.3, as Kubernetes' semver(text, true)."""
        lenient = _LENIENT.match(text[:_LONGEST_TEXT])
        if lenient is None:
            raise Failure("not a semantic version")
        return cls(".".join(str(int(number or 0)) for number in lenient.groups()) + text[lenient.end() :])

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Semver) and other.key == self.key

    def __lt__(self, other: "Semver") -> bool:
        return self.key < other.key

    def __hash__(self) -> int:
        return hash(self.key)

    def __str__(self) -> str:
        return self.text
