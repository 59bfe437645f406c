"""Filling in what a sender left out, for the sources whose data Argo reads through typed structures.

A shape maps each member to what it is when missing: a scalar, null, or a nested shape. A name that ends in `?` may be
missing. Members of the outermost object that the shape does not know are left out, as with Argo; inside, what the
sender sent is kept.
"""

from collections.abc import Mapping
from typing import Any


def fill(value: Any, shape: Mapping[str, Any], *, outermost: bool = True) -> dict[str, Any]:
    """Return the object with every member of the shape; what is no object counts as an empty one."""
    given = value if isinstance(value, dict) else {}
    known = {name.removesuffix("?") for name in shape}
    filled: dict[str, Any] = {} if outermost else {name: item for name, item in given.items() if name not in known}
    for name, default in shape.items():
        plain = name.removesuffix("?")
        item = given.get(plain)
        if isinstance(default, dict) and default and not name.endswith("?"):
            filled[plain] = fill(item, default, outermost=False)
        elif item is not None:
            if not name.endswith("?") or item not in ("", 0, False, [], {}):
                filled[plain] = item
        elif not name.endswith("?"):
            filled[plain] = default
    return filled
