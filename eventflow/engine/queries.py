"""Reading workflows: the Argo object of one that is at work or stored."""

from typing import TYPE_CHECKING, Any

from eventflow.engine.core import present
from eventflow.engine.service import load
from eventflow.errors import NotFound
from eventflow.store.workflows import Header

if TYPE_CHECKING:
    from eventflow.engine.service import Engine


async def workflow_object(engine: "Engine", header: Header) -> dict[str, Any]:
    """Return a workflow as Argo's Workflow object. Raises NotFound."""
    live = engine.live(header.seq)
    if live is not None:
        return present.workflow_object(live.definition, live.state, live.nodes)
    loaded = await engine.store.read(lambda: load(header.seq))
    if loaded is None:
        raise NotFound(f"workflow {header.name!r} not found")
    definition, state, nodes = loaded
    present.link(nodes)
    return present.workflow_object(definition, state, nodes)
