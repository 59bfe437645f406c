"""From settings to the parts that take settings of their own."""

import os
import socket
import ssl
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from eventflow.artifacts import registry
from eventflow.artifacts.extract import Limits
from eventflow.artifacts.outbound import Outbound
from eventflow.artifacts.transfer import Setup, Transfer
from eventflow.catalog import Catalog
from eventflow.clock import Clock
from eventflow.engine.service import Engine, EngineSettings
from eventflow.errors import UserError
from eventflow.runtimes.contract import Runtime
from eventflow.runtimes.process.runtime import ProcessRuntime
from eventflow.runtimes.process.settings import ProcessSettings
from eventflow.settings import Settings


def store_url(settings: Settings) -> str:
    """Return the store's URL: the one that is set, else SQLite in the data directory."""
    given = settings.store.url
    if given.startswith("sqlite:") and not given.startswith("sqlite:///"):
        return f"sqlite:///{quote(given.removeprefix('sqlite:'))}"
    return given or f"sqlite:///{quote(str(settings.data_dir / 'eventflow.db'))}"


def alone(settings: Settings) -> bool:
    """Whether no other process can work on the store: SQLite refuses a second one."""
    return store_url(settings).startswith("sqlite")


def owner(settings: Settings) -> str:
    """Return what this process is called in leases and in the keys of events that have none."""
    return "local" if alone(settings) else f"{socket.gethostname()}-{os.getpid()}"


def outbound(settings: Settings) -> Outbound:
    """Return the guard of calls to the outside."""
    return Outbound(settings.outbound.private, settings.outbound.allow)


def transfer(settings: Settings, catalog: Catalog) -> Transfer:
    """Return what moves artifacts, still to be opened."""
    held = settings.artifacts
    return Transfer(
        Setup(
            root=settings.data_dir / "artifacts",
            stores=registry.stores(),
            objects=catalog,
            repository=held.repository,
            outbound=outbound(settings),
            limits=Limits(held.limits.bytes, held.limits.files, held.limits.ratio),
            git_files=held.git_files,
        )
    )


def engine_settings(settings: Settings) -> EngineSettings:
    """Return the engine's part of the settings."""
    default = EngineSettings()
    return EngineSettings(
        pods=settings.limits.pods or default.pods,
        workflows=settings.limits.parallelism or default.workflows,
        workflow_defaults=_workflow_defaults(settings),
    )


def _workflow_defaults(settings: Settings) -> Mapping[str, Any]:
    """Return a Workflow's fields where it leaves them out; what is set for workflows comes before what is for logs."""
    given = settings.engine.workflow_defaults
    if not settings.artifacts.archive_logs:
        return given
    return {**given, "spec": {"archiveLogs": True, **(given.get("spec") or {})}}


def runtime(settings: Settings, engine: Engine, catalog: Catalog, transfer: Transfer, clock: Clock) -> Runtime:
    """Return the place where pods run, still to be opened. Raises UserError for one that there is not."""
    held = settings.runtime
    if held.kind != "process":
        raise UserError(f"runtime {held.kind!r} is not available", hint="set runtime.kind to process")
    process = ProcessSettings(held.sandbox, held.network, images=held.images, host_paths=held.host_paths)
    return ProcessRuntime(settings.data_dir, engine.observe, catalog, transfer, clock, process)


def tls(settings: Settings) -> ssl.SSLContext | None:
    """Return the server's TLS, None without a certificate. Raises UserError for one that cannot be used."""
    server = settings.server
    if server.tls_certificate is None:
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    try:
        context.load_cert_chain(server.tls_certificate, server.tls_key)
    except (OSError, ssl.SSLError) as error:
        raise UserError(f"the certificate cannot be used: {error}", hint="server.tlsCertificate, tlsKey") from error
    return context
