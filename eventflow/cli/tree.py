"""A workflow's nodes as a tree of rows: attempts under their retry, items of a loop under their group, folded if many.

Works on nodes of a running engine and on `status.nodes` of Argo's Workflow object alike, as `Branch`es. Pure.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from eventflow.clock import parse_rfc3339

ICONS: Mapping[str, str] = {
    "Pending": "◷",
    "Running": "●",
    "Succeeded": "✔",
    "Failed": "✖",
    "Error": "⚠",
    "Skipped": "○",
    "Omitted": "○",
    "": "◷",
}
COLOURS: Mapping[str, str] = {
    "Pending": "yellow",
    "Running": "cyan",
    "Succeeded": "green",
    "Failed": "red",
    "Error": "red",
    "Skipped": "bright_black",
    "Omitted": "bright_black",
    "": "yellow",
}
_HOLDERS = frozenset({"StepGroup", "TaskGroup", "Retry", "Pod"})
_QUIET = ("Succeeded", "Skipped", "Omitted")
_LOUD = ("Failed", "Error", "Running", "Pending")


@dataclass(slots=True)
class Branch:
    """A node as it is shown. Times in seconds since the epoch, 0.0 for none."""

    id: str
    name: str
    label: str
    type: str
    phase: str
    message: str = ""
    started: float = 0.0
    finished: float = 0.0
    pod: str = ""
    below: list["Branch"] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the tree: its rails (`│ ├─ └─`), its phase, what it says, and how long it took or takes."""

    rails: str
    phase: str
    label: str
    note: str = ""
    seconds: float | None = None


def of_nodes(nodes: Sequence[Any]) -> list[Branch]:
    """Return the top branches of an engine's nodes (`engine.core.state.Node`), in order of creation."""
    branches = [
        Branch(
            each.id,
            each.name,
            each.display_name,
            str(each.type),
            str(each.phase),
            each.message or (each.waiting and f"waits for {each.waiting}"),
            each.started_at,
            each.finished_at,
            each.pod,
        )
        for each in nodes
    ]
    tops: list[Branch] = []
    for node, branch in zip(nodes, branches, strict=True):
        holder = _holder(node.name, (branches[each] for each in node.parents))
        if holder is None and node.boundary >= 0:
            holder = branches[node.boundary]
        (tops if holder is None else holder.below).append(branch)
    return tops


def of_status(nodes: Mapping[str, Mapping[str, Any]]) -> list[Branch]:
    """Return the top branches of `status.nodes`."""
    branches = {
        key: Branch(
            key,
            each.get("name", ""),
            each.get("displayName") or each.get("name", ""),
            each.get("type", ""),
            each.get("phase", ""),
            each.get("message", ""),
            _seconds(each.get("startedAt")),
            _seconds(each.get("finishedAt")),
        )
        for key, each in nodes.items()
    }
    parents: dict[str, list[Branch]] = {}
    for key, each in nodes.items():
        for child in each.get("children") or ():
            parents.setdefault(child, []).append(branches[key])
    tops: list[Branch] = []
    for key, each in nodes.items():
        holder = _holder(each.get("name", ""), parents.get(key, ())) or branches.get(each.get("boundaryID", ""))
        (tops if holder is None or holder is branches[key] else holder.below).append(branches[key])
    return tops


def _holder(name: str, parents: Iterable[Branch]) -> Branch | None:
    """Return the group that a node belongs to: a parent whose name its own continues."""
    return next((each for each in parents if each.type in _HOLDERS and _continues(name, each.name)), None)


def _continues(name: str, above: str) -> bool:
    return name.startswith(above) and name[len(above) : len(above) + 1] in ("(", ".")


def _seconds(text: str | None) -> float:
    return parse_rfc3339(text) if text else 0.0


def fitted(tops: Sequence[Branch], now: float, height: int) -> list[Row]:
    """Return the rows of a tree in at most `height` lines: groups are folded ever more, then the rest is cut."""
    rows: list[Row] = []
    for most in (1000, 100, 20, 8, 4, 2, 0):
        rows = list(rows_of(tops, now, most=most, limit=height + 1))
        if len(rows) <= height:
            return rows
    kept = rows[: max(1, height - 1)]
    return [*kept, Row("", "", "… more; a higher window shows them")]


def headed(heading: Row, rows: Sequence[Row]) -> list[Row]:
    """Return rows with the one of the root replaced by a heading, which says more; its message is kept."""
    root = rows[0] if rows else Row("", "", "")
    note = heading.note or root.note
    return [Row("", heading.phase, heading.label, note, heading.seconds), *rows[1:]]


def rows_of(tops: Sequence[Branch], now: float, *, most: int = 1_000_000, limit: int = 1_000_000) -> Iterator[Row]:
    """Give the rows of a tree; of more than `most` quiet siblings only their number is shown. Stops after `limit`."""
    count = 0
    stack: list[tuple[Branch | Row, str, str]] = [(each, "", "") for each in reversed(tops)]
    while stack and count < limit:
        branch, rails, under = stack.pop()
        count += 1
        if isinstance(branch, Row):
            yield branch
            continue
        yield Row(rails, branch.phase, branch.label, branch.message, _elapsed(branch, now))
        shown, folded = _folded(_flat(branch.below), most)
        lines: list[Branch | Row] = [*shown, *([_fold_row(folded, f"{under}└─ ")] if folded else [])]
        for position in range(len(lines) - 1, -1, -1):
            last = position == len(lines) - 1
            stack.append((lines[position], under + ("└─ " if last else "├─ "), under + ("   " if last else "│  ")))


def _flat(below: Sequence[Branch]) -> list[Branch]:
    """Return children with groups of one or none replaced by what they hold."""
    found: list[Branch] = []
    for each in below:
        if each.type == "StepGroup" and len(each.below) <= 1:
            found.extend(each.below)
        else:
            found.append(each)
    return found


def _folded(below: list[Branch], most: int) -> tuple[list[Branch], list[Branch]]:
    """Split children into those to show and those to count: what failed or runs is shown first."""
    if len(below) <= most:
        return below, []
    kept: set[str] = set()
    for phase in _LOUD:
        for each in below:
            if len(kept) >= most:
                break
            if each.phase == phase:
                kept.add(each.id)
    return [each for each in below if each.id in kept], [each for each in below if each.id not in kept]


def _fold_row(folded: Sequence[Branch], rails: str) -> Row:
    counts = Counter(each.phase for each in folded)
    parts = [f"{counts[phase]:,} {phase or 'waiting'}" for phase in (*_QUIET, *_LOUD, "") if counts[phase]]
    phases = [phase for phase in (*_LOUD, *_QUIET) if counts[phase]]
    return Row(rails, phases[0] if phases else "", ", ".join(parts))


def _elapsed(branch: Branch, now: float) -> float | None:
    if not branch.started or branch.phase in ("Skipped", "Omitted", "Pending"):
        return None
    return (branch.finished or now) - branch.started


def plain(row: Row, span: str) -> str:
    """Return a row as text without colours."""
    note = f"  {row.note}" if row.note else ""
    return f"{row.rails}{ICONS.get(row.phase, ' ')} {row.label}{f'  {span}' if span else ''}{note}"
