"""What the API needs of a running server. `eventflow.app.App` has it; the API knows no more than this."""

from typing import Protocol

from eventflow.api.ingress import Ingress
from eventflow.bus.log import EventLog
from eventflow.catalog import Catalog
from eventflow.clock import Clock
from eventflow.engine.service import Engine
from eventflow.runtimes.contract import Runtime
from eventflow.settings import Settings
from eventflow.sources.endpoints import Endpoints
from eventflow.store.contract import Store
from eventflow.telemetry.metrics import Metrics


class Parts(Protocol):
    """The parts of a server that answers are made of."""

    @property
    def settings(self) -> Settings: ...

    @property
    def clock(self) -> Clock: ...

    @property
    def metrics(self) -> Metrics: ...

    @property
    def store(self) -> Store: ...

    @property
    def catalog(self) -> Catalog: ...

    @property
    def engine(self) -> Engine: ...

    @property
    def runtime(self) -> Runtime: ...

    @property
    def log(self) -> EventLog: ...

    @property
    def endpoints(self) -> Endpoints: ...

    @property
    def ingress(self) -> Ingress: ...

    @property
    def ready(self) -> bool:
        """Whether requests are to be sent here."""

    def wake(self) -> None:
        """Look for deliveries at once, after some were redriven."""
