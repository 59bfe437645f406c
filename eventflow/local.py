"""A place where workflows run with no server: one directory, this machine's processes, and nothing else.

`eventflow run` works in one that is thrown away; the server's composition root builds on the same parts.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from eventflow.artifacts import registry
from eventflow.artifacts.outbound import Outbound
from eventflow.artifacts.transfer import Setup, Transfer
from eventflow.catalog import Catalog
from eventflow.clock import Clock
from eventflow.engine import queries
from eventflow.engine.performers import equipment
from eventflow.engine.service import Engine, EngineSettings
from eventflow.engine.submission import Request
from eventflow.model.manifest import Resource
from eventflow.runtimes.process.runtime import ProcessRuntime
from eventflow.runtimes.process.settings import ProcessSettings
from eventflow.sensors.scripting import Scripts
from eventflow.store.contract import Store
from eventflow.store.open import open_store
from eventflow.store.workflows import Header


@dataclass(frozen=True, slots=True)
class Local:
    """An engine at work on this machine, and what it stands on."""

    store: Store
    catalog: Catalog
    engine: Engine
    runtime: ProcessRuntime
    transfer: Transfer

    async def load(self, resources: Sequence[Resource], namespace: str = "default") -> list[Resource]:
        """Keep every object that is no Workflow; return the Workflows."""
        kept = [each for each in resources if each.kind != "Workflow"]
        if kept:
            await self.catalog.apply(kept, namespace=namespace)
        return [each for each in resources if each.kind == "Workflow"]

    async def submit(
        self,
        manifest: Mapping[str, Any],
        *,
        key: str,
        parameters: Mapping[str, Any] | None = None,
        namespace: str = "default",
    ) -> Header:
        """Submit a workflow. `key` makes it repeatable. Raises UserError."""
        creation = await self.engine.submit(Request(manifest, key, namespace, parameters=parameters or {}))
        return creation.header

    async def finish(self, header: Header) -> dict[str, Any]:
        """Wait for a workflow to end, and return it as Argo's Workflow object."""
        await self.engine.end_of(header)
        return await queries.workflow_object(self.engine, header)


@asynccontextmanager
async def open_local(
    directory: Path,
    clock: Clock,
    *,
    process: ProcessSettings | None = None,
    engine_settings: EngineSettings | None = None,
    outbound: Outbound | None = None,
) -> AsyncIterator[Local]:
    """Open a place to run workflows in a directory. Raises UserError when the machine cannot run pods.

    `outbound` says whom http templates and artifacts may call; without it, public addresses only.
    """
    await asyncio.to_thread(directory.mkdir, mode=0o700, parents=True, exist_ok=True)
    async with AsyncExitStack() as stack:
        store = await stack.enter_async_context(open_store(f"sqlite:///{directory / 'eventflow.db'}", clock))
        catalog = Catalog(store, clock)
        guard = outbound or Outbound()
        setup = Setup(root=directory / "artifacts", stores=registry.stores(), objects=catalog, outbound=guard)
        transfer = await stack.enter_async_context(Transfer(setup))
        engine = Engine(store, clock, engine_settings or EngineSettings())
        runtime = ProcessRuntime(directory, engine.observe, catalog, transfer, clock, process)
        engine.use(runtime)
        scripts = stack.enter_context(Scripts())
        engine.equip(equipment.performers(engine, catalog, transfer, guard, scripts.jq))
        await stack.enter_async_context(runtime)
        await stack.enter_async_context(engine)
        yield Local(store, catalog, engine, runtime, transfer)
