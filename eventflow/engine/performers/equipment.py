"""Who performs what: the performers of an engine, wired to its objects, artifacts and guard."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from eventflow.artifacts.outbound import Outbound
from eventflow.artifacts.transfer import Transfer
from eventflow.catalog import KINDS, Catalog
from eventflow.engine.performers.contract import Performer
from eventflow.engine.performers.data import DataPerformer
from eventflow.engine.performers.http import HttpPerformer
from eventflow.engine.performers.object_shelf import ObjectShelf
from eventflow.engine.performers.resource import Jq, ResourcePerformer
from eventflow.engine.performers.shelf import Shelf
from eventflow.engine.performers.watching import Changes
from eventflow.engine.performers.workflow_shelf import WorkflowShelf

if TYPE_CHECKING:
    from eventflow.engine.service import Engine


def performers(
    engine: "Engine",
    catalog: Catalog,
    transfer: Transfer,
    guard: Outbound,
    jq: Jq | None = None,
    *,
    across_namespaces: bool = False,
) -> Mapping[str, Performer]:
    """Return the performers by kind of template, to be given to `Engine.equip` before the engine is opened.

    They follow the engine's and the catalog's changes from now on.
    """
    changes = Changes()
    engine.on_change.append(changes.workflow)
    catalog.listen(KINDS, changes.objects)
    workflows, objects = WorkflowShelf(engine), ObjectShelf(catalog)

    def shelf(kind: str) -> Shelf:
        return workflows if kind == "Workflow" else objects

    return {
        "http": HttpPerformer(guard, catalog),
        "resource": ResourcePerformer(shelf, changes, transfer.within, jq, across_namespaces=across_namespaces),
        "data": DataPerformer(transfer.within),
    }
