"""Patches over JSON trees: merge patches (RFC 7386) and JSON patches (RFC 6902). What is given is never changed."""

import copy
from collections.abc import Mapping, Sequence
from typing import Any

from eventflow.errors import UserError


def merged(target: Any, patch: Any) -> Any:
    """Return a value with a merge patch applied: maps are joined, null removes, all else replaces."""
    if not isinstance(patch, Mapping):
        return copy.deepcopy(patch)
    kept = dict(target) if isinstance(target, Mapping) else {}
    for key, value in patch.items():
        if value is None:
            kept.pop(key, None)
        else:
            kept[key] = merged(kept.get(key), value)
    return kept


def patched(target: Any, operations: Any) -> Any:
    """Return a value with the operations of a JSON patch applied in order. Raises UserError naming the operation."""
    if not isinstance(operations, list) or not all(isinstance(each, Mapping) for each in operations):
        raise UserError("a JSON patch must be a list of operations", hint="- {op: add, path: /a/b, value: 1}")
    tree = {"": copy.deepcopy(target)}
    for number, operation in enumerate(operations):
        try:
            _apply(tree, operation)
        except (LookupError, TypeError, ValueError) as error:
            said = f"{operation.get('op', 'no op')} at {operation.get('path', 'no path')!r}"
            raise UserError(f"operation {number} of the JSON patch cannot be done: {said}: {error}") from error
    return tree[""]


def _apply(tree: dict[str, Any], operation: Mapping[str, Any]) -> None:
    kind, path = operation.get("op"), _path(operation["path"])
    if kind == "add":
        _add(tree, path, copy.deepcopy(operation["value"]))
    elif kind == "remove":
        _remove(tree, path)
    elif kind == "replace":
        _get(tree, path)
        _set(tree, path, copy.deepcopy(operation["value"]))
    elif kind == "move":
        source = _path(operation["from"])
        if path[: len(source)] == source and path != source:
            raise ValueError("a value cannot be moved into itself")
        _add(tree, path, _remove(tree, source))
    elif kind == "copy":
        _add(tree, path, copy.deepcopy(_get(tree, _path(operation["from"]))))
    elif kind == "test":
        if _get(tree, path) != operation["value"]:
            raise ValueError("the value is another one")
    else:
        raise ValueError("op must be add, remove, replace, move, copy or test")


def _path(pointer: Any) -> list[str]:
    """Return the steps of a JSON pointer (RFC 6901) below the wrapping map."""
    text = str(pointer)
    if text and not text.startswith("/"):
        raise ValueError("a path begins with /")
    return [step.replace("~1", "/").replace("~0", "~") for step in text.split("/")]


def _index(holder: Sequence[Any], step: str, *, end: bool) -> int:
    if end and step == "-":
        return len(holder)
    if not step.isdigit() or (len(step) > 1 and step.startswith("0")):
        raise ValueError(f"{step!r} is no index")
    index = int(step)
    if index >= len(holder) + end:
        raise IndexError(f"there is no index {index}")
    return index


def _get(tree: Any, path: Sequence[str]) -> Any:
    for step in path:
        if isinstance(tree, list):
            tree = tree[_index(tree, step, end=False)]
        elif isinstance(tree, dict):
            if step not in tree:
                raise ValueError(f"there is no {step!r}")
            tree = tree[step]
        else:
            raise ValueError(f"there is no {step!r} in a plain value")
    return tree


def _set(tree: Any, path: Sequence[str], value: Any) -> None:
    holder = _get(tree, path[:-1])
    if isinstance(holder, list):
        holder[_index(holder, path[-1], end=False)] = value
    else:
        holder[path[-1]] = value


def _add(tree: Any, path: Sequence[str], value: Any) -> None:
    holder = _get(tree, path[:-1])
    if isinstance(holder, list):
        holder.insert(_index(holder, path[-1], end=True), value)
    elif isinstance(holder, dict):
        holder[path[-1]] = value
    else:
        raise ValueError("its holder is a plain value")


def _remove(tree: Any, path: Sequence[str]) -> Any:
    value = _get(tree, path)
    holder = _get(tree, path[:-1])
    if isinstance(holder, list):
        del holder[_index(holder, path[-1], end=False)]
    else:
        del holder[path[-1]]
    return value
