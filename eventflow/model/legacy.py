"""Spellings of Argo v3 that v4 removed, rewritten to today's. Most manifests in use are still written for v3.

Source: Argo v4.1.2 docs/deprecations.md.
"""

from dataclasses import dataclass, field
from typing import Any

Steps = tuple[str | int, ...]
Moves = dict[Steps, Steps]

SPEC_PATHS: dict[str, Steps] = {
    "Workflow": ("spec",),
    "WorkflowTemplate": ("spec",),
    "ClusterWorkflowTemplate": ("spec",),
    "CronWorkflow": ("spec", "workflowSpec"),
}


@dataclass(slots=True)
class Rewritten:
    """A manifest in today's spelling. `moves` maps the new place of a value to the one where it is written."""

    tree: dict[str, Any]
    moves: Moves = field(default_factory=dict)
    notes: list[tuple[Steps, str, str]] = field(default_factory=list)

    def note(self, path: Steps, old: str, new: str) -> None:
        self.notes.append((path, f"{old} is Argo v3's spelling", f"write {new}"))


def written_at(path: Steps, moves: Moves) -> Steps:
    """Return where the value that is now at `path` stands in the file."""
    for length in range(len(path), 0, -1):
        if path[:length] in moves:
            return moves[path[:length]] + path[length:]
    return path


def rewrite(tree: dict[str, Any]) -> Rewritten:
    """Return the manifest with old spellings replaced; the given tree is not changed."""
    kind = tree.get("kind")
    done = Rewritten(tree)
    if kind not in SPEC_PATHS:
        return done
    if kind == "CronWorkflow":
        _schedule(done)
    path = SPEC_PATHS[kind]
    spec = _mapping(done.tree, path)
    if spec is None:
        return done
    _synchronization(done, path)
    for key in ("templates", "templateDefaults"):
        held = spec.get(key)
        for index in range(len(held)) if isinstance(held, list) else ():
            _synchronization(done, (*path, key, index))
        if isinstance(held, dict):
            _synchronization(done, (*path, key))
    if "podPriority" in spec:
        done.note((*path, "podPriority"), "podPriority", "podPriorityClassName, or podSpecPatch")
    return done


def _schedule(done: Rewritten) -> None:
    spec = _mapping(done.tree, ("spec",))
    if spec is None or "schedules" in spec or "schedule" not in spec:
        return
    rest = {key: value for key, value in spec.items() if key != "schedule"}
    done.tree = _replaced(done.tree, ("spec",), rest | {"schedules": [spec["schedule"]]})
    done.moves["spec", "schedules", 0] = done.moves["spec", "schedules"] = ("spec", "schedule")
    done.note(("spec", "schedule"), "schedule", "schedules: [...]")


def _synchronization(done: Rewritten, owner: Steps) -> None:
    path = (*owner, "synchronization")
    old = _mapping(done.tree, path)
    if old is None or not ("mutex" in old or "semaphore" in old):
        return
    new = {key: value for key, value in old.items() if key not in ("mutex", "semaphore")}
    for single, plural in (("mutex", "mutexes"), ("semaphore", "semaphores")):
        if old.get(single) is None:
            continue
        listed = new.get(plural)
        new[plural] = [*(listed if isinstance(listed, list) else []), old[single]]
        done.moves[*path, plural, len(new[plural]) - 1] = (*path, single)
        done.note((*path, single), f"synchronization.{single}", f"synchronization.{plural}: [...]")
    done.tree = _replaced(done.tree, path, new)


def _mapping(tree: Any, path: Steps) -> dict[str, Any] | None:
    for step in path:
        if isinstance(step, str) and isinstance(tree, dict):
            tree = tree.get(step)
        elif isinstance(step, int) and isinstance(tree, list):
            tree = tree[step]
        else:
            return None
    return tree if isinstance(tree, dict) else None


def _replaced(tree: Any, path: Steps, value: Any) -> Any:
    """Return a copy of the tree with another value at `path`; what lies beside the path is shared."""
    if not path:
        return value
    copy = tree.copy()
    copy[path[0]] = _replaced(tree[path[0]], path[1:], value)
    return copy
