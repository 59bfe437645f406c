"""The composition root: the event's way, wired in one place.

    source -> event log -> sensor -> firing -> workflow -> node -> pod

Parts are opened in the order in which they rest on each other and closed in the opposite one: first no more requests,
then no more events, then no more decisions; workflows that run go on when the server is back.
"""

import asyncio
import logging
import os
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from aiohttp import web

from eventflow import assembly
from eventflow.api.ingress import Ingress
from eventflow.api.listener import Address, listening
from eventflow.artifacts.transfer import Transfer
from eventflow.bus.consumer import Consumer
from eventflow.bus.log import EventLog
from eventflow.bus.replan import Planner
from eventflow.bus.retention import Retention
from eventflow.bus.subscriptions import Subscriptions
from eventflow.catalog import Catalog
from eventflow.clock import Clock, SystemClock
from eventflow.engine.performers import equipment
from eventflow.engine.service import Engine
from eventflow.guard import Guard
from eventflow.runtimes.contract import Runtime
from eventflow.sensors import check as sensor_check
from eventflow.sensors.scripting import Scripts
from eventflow.sensors.sensor import SensorListener
from eventflow.settings import Settings
from eventflow.sources import active, contract, eventsources
from eventflow.sources.bindings import BindingListener
from eventflow.sources.contract import Services
from eventflow.sources.endpoints import Endpoints
from eventflow.sources.supervisor import Supervisor
from eventflow.store.contract import Store
from eventflow.store.open import open_store
from eventflow.telemetry.metrics import Metrics
from eventflow.triggers.contract import Environment, Triggers, registry
from eventflow.triggers.outbox import Outbox

log = logging.getLogger(__name__)

REFRESH = 5.0

Build = Callable[["App"], web.Application]


@dataclass(frozen=True, slots=True)
class Ground:
    """What everything rests on. `guard` watches the long tasks: when one ends, the process must."""

    settings: Settings
    clock: Clock
    metrics: Metrics
    store: Store
    catalog: Catalog
    transfer: Transfer
    engine: Engine
    runtime: Runtime
    guard: Guard


@dataclass(frozen=True, slots=True)
class Bus:
    """From stored events to firings."""

    triggers: Triggers
    subscriptions: Subscriptions
    outbox: Outbox
    consumer: Consumer
    log: EventLog


@dataclass(frozen=True, slots=True)
class App:
    """A running server: what the API and the command line build on."""

    ground: Ground
    bus: Bus
    endpoints: Endpoints
    sources: Supervisor
    ingress: Ingress

    @property
    def settings(self) -> Settings:
        return self.ground.settings

    @property
    def clock(self) -> Clock:
        return self.ground.clock

    @property
    def metrics(self) -> Metrics:
        return self.ground.metrics

    @property
    def store(self) -> Store:
        return self.ground.store

    @property
    def catalog(self) -> Catalog:
        return self.ground.catalog

    @property
    def engine(self) -> Engine:
        return self.ground.engine

    @property
    def runtime(self) -> Runtime:
        """Where pods run; `runtime.logs(pod)` are their logs."""
        return self.ground.runtime

    @property
    def transfer(self) -> Transfer:
        return self.ground.transfer

    @property
    def log(self) -> EventLog:
        """The event log; `log.observers` are told of each new event."""
        return self.bus.log

    @property
    def ready(self) -> bool:
        """Whether requests are to be sent here: no task that must not end has ended."""
        return self.ground.guard.healthy

    def wake(self) -> None:
        """Look for deliveries and outbox entries at once, after some were redriven or replayed."""
        self.bus.consumer.wake()
        self.bus.outbox.wake()


@asynccontextmanager
async def open_app(settings: Settings, clock: Clock | None = None) -> AsyncIterator[App]:
    """Open everything but the listening socket. Raises UserError for settings that cannot be."""
    async with AsyncExitStack() as stack:
        ground = await _ground(stack, settings, clock or SystemClock())
        bus = await _bus(stack, ground)
        app = await _intake(stack, ground, bus)
        _follow(app)
        if not assembly.alone(settings):
            ground.guard.start("refresh", _refresh(app))
        yield app


async def _ground(stack: AsyncExitStack, settings: Settings, clock: Clock) -> Ground:
    """settings -> store -> objects -> artifacts -> runtime -> engine"""
    await asyncio.to_thread(settings.data_dir.mkdir, mode=0o700, parents=True, exist_ok=True)
    store = await stack.enter_async_context(open_store(assembly.store_url(settings), clock, settings.store.pool))
    catalog = Catalog(store, clock)
    transfer = await stack.enter_async_context(assembly.transfer(settings, catalog))
    engine = Engine(store, clock, assembly.engine_settings(settings))
    runtime = assembly.runtime(settings, engine, catalog, transfer, clock)
    engine.use(runtime)
    jq = stack.enter_context(Scripts()).jq
    engine.equip(equipment.performers(engine, catalog, transfer, assembly.outbound(settings), jq))
    await stack.enter_async_context(runtime)
    await stack.enter_async_context(engine)
    guard = await stack.enter_async_context(Guard())
    guard.start("store", store.failed())
    return Ground(settings, clock, Metrics(), store, catalog, transfer, engine, runtime, guard)


async def _bus(stack: AsyncExitStack, ground: Ground) -> Bus:
    """triggers -> sensors -> subscriptions -> outbox, consumer, event log"""
    store, clock, engine, metrics = ground.store, ground.clock, ground.engine, ground.metrics
    settings = ground.settings
    owner, alone = assembly.owner(settings), assembly.alone(settings)
    triggers = Triggers(registry(), Environment(engine, ground.catalog, assembly.outbound(settings), clock))
    evaluators = stack.enter_context(Scripts()).evaluators()
    subscriptions = Subscriptions(
        store,
        {
            "Sensor": lambda stored: SensorListener.load(stored, triggers, evaluators),
            "WorkflowEventBinding": lambda stored: BindingListener(stored, engine, clock),
        },
    )
    await subscriptions.reload()
    planner = Planner(store, subscriptions)
    outbox = Outbox(store, clock, triggers, engine.wake, planner, metrics, owner=owner, alone=alone)
    consumer = Consumer(store, clock, subscriptions, metrics, engine.wake, outbox.wake, owner=owner, alone=alone)
    events = EventLog(store, clock, subscriptions, metrics, consumer, most_waiting=settings.limits.events_waiting)
    metrics.deliveries_waiting.read_from(lambda: {("all",): float(consumer.backlog)})
    ground.guard.start("outbox", outbox.run())
    ground.guard.start("consumer", consumer.run())
    ground.guard.start("retention", Retention(store, clock, settings.store.event_retention).run())
    return Bus(triggers, subscriptions, outbox, consumer, events)


async def _intake(stack: AsyncExitStack, ground: Ground, bus: Bus) -> App:
    """endpoints -> ingress, and the sources that go and ask"""
    settings, clock = ground.settings, ground.clock
    services = Services(bus.log, ground.store, clock, ground.catalog, ground.engine, ground.metrics)
    plugins, owner = contract.registry(), assembly.owner(settings)
    endpoints = Endpoints(services, assembly.outbound(settings), owner=owner)
    await endpoints.reload()
    ground.catalog.check("Sensor", lambda resource: sensor_check.check(resource, bus.triggers))
    ground.catalog.check("EventSource", lambda resource: eventsources.check(resource, plugins))
    ground.catalog.check("CronWorkflow", active.check_cron)
    sources = Supervisor(lambda: active.wanted(services, plugins), clock.now)
    await stack.enter_async_context(sources)
    size, timeout = settings.limits.event_size, settings.server.body_timeout
    ingress = Ingress(endpoints, bus.log, clock, event_size=size, body_timeout=timeout, owner=owner)
    return App(ground, bus, endpoints, sources, ingress)


def _follow(app: App) -> None:
    """Have those who use objects told when they change."""

    async def listeners(changed: frozenset[str]) -> None:
        del changed
        await app.bus.subscriptions.reload()
        app.bus.consumer.wake()

    app.catalog.listen(("Sensor", "WorkflowEventBinding"), listeners)
    app.catalog.listen(("EventSource", "Secret"), app.endpoints.reload)
    app.catalog.listen(("EventSource", "CronWorkflow"), app.sources.reload)


async def _refresh(app: App) -> None:
    """Take in what other replicas changed. Decisions never depend on it: they check the revision themselves."""
    while True:
        await asyncio.sleep(REFRESH)
        await app.bus.subscriptions.reload()
        await app.endpoints.reload()
        await app.sources.reload()


@asynccontextmanager
async def serve(
    settings: Settings, build: Build | None = None, clock: Clock | None = None
) -> AsyncIterator[tuple[App, Address]]:
    """Open everything and listen. `build` makes the web application; without it only events are taken."""
    server = settings.server
    async with (
        open_app(settings, clock) as app,
        listening(
            (build or events_only)(app),
            server.host,
            server.port,
            header_timeout=server.header_timeout,
            shutdown_timeout=server.shutdown_timeout,
            tls=assembly.tls(settings),
        ) as address,
    ):
        yield app, address


async def run(settings: Settings, build: Build | None = None) -> int:
    """Serve until SIGINT or SIGTERM, or until a part fails; return the exit code (75: start me again)."""
    asked = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, asked.set)
    async with serve(settings, build) as (app, address):
        log.info("listening on %s", address.url)
        ended = asyncio.create_task(asked.wait(), name="signal")
        failed = asyncio.create_task(app.ground.guard.wait(), name="failure")
        done, left = await asyncio.wait([ended, failed], return_when=asyncio.FIRST_COMPLETED)
        for task in left:
            task.cancel()
        return 0 if ended in done else os.EX_TEMPFAIL


def events_only(app: App) -> web.Application:
    """Return a web application that takes events and does nothing else."""
    application = web.Application()
    app.ingress.add_to(application)
    return application
