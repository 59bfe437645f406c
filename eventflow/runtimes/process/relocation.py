"""Rewrites the paths of a pod in texts, where no sandbox can give the pod a root of its own.

Pure. A path is replaced where it stands as a whole (`/work` neither in `/workshop` nor in `/a/work` or `"$DIR"/work`),
longer paths first, and not in a URL. A text is rewritten once: what comes out may hold such paths again.
"""

import re
from collections.abc import Mapping, Sequence

# What goes on after a path: another character of the same name. A dot at the end of a sentence does not.
_GOES_ON = r"(?![\w+@%~-]|\.\w)"

# What stands before a path that is only the rest of a longer one: `a/work`, `$(pwd)/work`, `*/work`, `\/work` ...
_JOINED = re.compile(r"[\w)}\]*?$.~%/+\\-]\Z")

# ... though some of it does begin a path: `-o/tmp/x`, `${X:-/tmp}`, `${X-/tmp}`, `\n/tmp`, `file:///tmp`,
# `sqlite:////tmp/x`.
_BEGINS = re.compile(r"(?:(?:^|[\s'\"])-\w|:-|\$\{\w+-|(?<!\\)\\[nrt]|\bfile://|:///)\Z")

# A quote that ends something to which the path is joined, and one that begins a string (f"/tmp/x", -o"/tmp/x").
_CLOSED = re.compile(r"(?:[\w)}\]*?~%./-]|\+\s*)['\"]\Z")
_OPENED = re.compile(r"(?:(?<!\w)[fFrRbBuU]{1,2}|(?:^|\s)-\w)['\"]\Z")

_URL = re.compile(r"[A-Za-z][\w+.-]*://[^\s'\"`<>|;()]*\Z")
_REMOTE = re.compile(r"[\w.-]+@[\w.-]+:\Z")

_LOOK_BACK = 400


class Relocation:
    """`targets`: where on the machine each of a pod's absolute paths is, as the pod's own programs can open it."""

    def __init__(self, targets: Mapping[str, str]) -> None:
        self._targets = dict(targets)
        longest_first = sorted(self._targets, key=len, reverse=True)
        self._pattern = re.compile(f"(?:{'|'.join(map(re.escape, longest_first))}){_GOES_ON}")

    def text(self, text: str) -> str:
        """Return a text with the paths replaced."""
        if "/" not in text or not self._targets:
            return text
        return self._pattern.sub(self._replaced, text)

    def path(self, path: str) -> str | None:
        """Return where a tidy path is; None if neither it nor a directory above it is relocated."""
        above = path
        while above not in self._targets:
            above = above.rpartition("/")[0]
            if not above:
                return None
        return self._targets[above] + path[len(above) :]

    def _replaced(self, found: re.Match[str]) -> str:
        before = found.string[max(0, found.start() - _LOOK_BACK) : found.start()]
        return self._targets[found[0]] if begins(before) else found[0]


def begins(before: str) -> bool:
    """Whether an absolute path begins after this text."""
    if not before or _BEGINS.search(before):
        return True
    if before[-1] in "'\"":
        return not _CLOSED.search(before) or bool(_OPENED.search(before))
    return not (_JOINED.search(before) or _URL.search(before) or _REMOTE.search(before))


def restore(text: str, places: Sequence[Sequence[str]]) -> str:
    """Return a text with the machine's paths replaced by the pod's: `places` are (machine's, pod's) directories.

    What a pod says of its files (`find /work`, `pwd`) is so the same as in a sandbox, and good for other pods.
    """
    known = {place: path for place, path in places if place in text}
    if not known:
        return text
    longest_first = sorted(known, key=len, reverse=True)
    pattern = re.compile(f"({'|'.join(map(re.escape, longest_first))})(?:(/)|{_GOES_ON})")
    return pattern.sub(lambda found: f"{known[found[1]].rstrip('/')}/" if found[2] else known[found[1]], text)
