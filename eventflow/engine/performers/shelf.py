"""The contract of a shelf: where `resource` templates find objects of some kinds, as kubectl does in a cluster."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

Tree = Mapping[str, Any]
Change = Callable[[Tree], Tree]


@dataclass(frozen=True, slots=True)
class Place:
    """Which object. `namespace` is never empty; kinds of the whole cluster pass over it."""

    kind: str
    namespace: str
    name: str


class Shelf(Protocol):
    """Keeps objects. Objects go in and come out as manifests, with metadata and status as an API server shows them."""

    async def create(self, manifest: Tree, namespace: str, key: str) -> Tree:
        """Make an object; the same key again finds the one it made. `generateName` is completed from the key.

        Raises Refused when another object has the name, or the manifest is not valid.
        """

    async def apply(self, manifest: Tree, namespace: str, key: str) -> Tree:
        """Make an object, or bring the one that is there to what the manifest says. Raises Refused."""

    async def replace(self, place: Place, manifest: Tree) -> Tree:
        """Put a manifest in the place of an object. Raises Refused, also when there is none."""

    async def patch(self, place: Place, change: Change) -> Tree:
        """Change an object by a function of what it is. Raises Refused, also when there is none."""

    async def delete(self, place: Place) -> None:
        """Delete an object; fine when there is none."""

    async def find(self, place: Place) -> Tree | None:
        """Return an object, or None."""

    async def glance(self, place: Place) -> Tree | None:
        """Return an object without what is costly to show (a workflow's nodes), or None."""

    async def names(self, kind: str, namespace: str, selector: str) -> list[str]:
        """Return the names of the objects whose labels fit a selector. Raises SelectorError."""
