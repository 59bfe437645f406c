"""Finds what somebody probably meant."""

from collections.abc import Iterable
from difflib import get_close_matches


def closest(word: str, known: Iterable[str]) -> str | None:
    """Return the known word most like `word`, None if none comes near. Case is the least of differences."""
    names = sorted(known)
    by_lower = {name.lower(): name for name in names}
    if word.lower() in by_lower:
        return by_lower[word.lower()]
    found = get_close_matches(word.lower(), by_lower, n=1, cutoff=0.7)
    return by_lower[found[0]] if found else None


def did_you_mean(word: str, known: Iterable[str]) -> str | None:
    """Return a hint that names the closest known word, else up to eight of what there is, else None."""
    names = sorted(known)
    found = closest(word, names)
    if found is not None:
        return f'did you mean "{found}"?'
    if not names:
        return None
    return f"known: {', '.join(names[:8])}{', …' if len(names) > 8 else ''}"
