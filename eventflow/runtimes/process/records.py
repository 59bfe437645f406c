"""A pod's end as JSON, as the supervisor's ledger keeps it."""

from collections.abc import Mapping
from dataclasses import asdict, fields
from typing import Any

from eventflow.model.pod import ContainerEnd, PodEnd

_NAMES = tuple(field.name for field in fields(PodEnd))


def encode(end: PodEnd) -> dict[str, Any]:
    """Return a JSON tree."""
    tree = {name: getattr(end, name) for name in _NAMES}
    return tree | {"containers": [asdict(one) for one in end.containers], "artifacts": list(end.artifacts)}


def decode(tree: Mapping[str, Any]) -> PodEnd:
    """Read what `encode` wrote; fields of a newer version are left out."""
    known = {name: tree[name] for name in _NAMES if name in tree}
    containers = tuple(ContainerEnd(**one) for one in tree.get("containers") or ())
    return PodEnd(**(known | {"containers": containers, "artifacts": tuple(tree.get("artifacts") or ())}))
