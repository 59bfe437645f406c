"""What an operator can set: a YAML file, then `EVENTFLOW_*` variables, parsed once into frozen sections.

Keys in the file are camelCase (`limits.eventSize`), variables upper case with underscores
(`EVENTFLOW_LIMITS_EVENT_SIZE`). Each component gets its own section. docs/settings.md lists all.
"""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal, NewType

Bytes = NewType("Bytes", int)
Seconds = NewType("Seconds", float)


HIDDEN = "hidden"
"""Marks a value that must not be shown."""


@dataclass(frozen=True, slots=True)
class Server:
    """The API, the user interface and the webhooks."""

    host: Annotated[str, "address to listen on; any other than loopback needs TLS and tokens"] = "127.0.0.1"
    port: Annotated[int, "port of the API, the user interface and webhooks without a port of their own"] = 2746
    base_url: Annotated[str, "how senders and browsers reach this server, for links; empty: from host and port"] = ""
    tls_certificate: Annotated[Path | None, "PEM file of the certificate chain; empty: no TLS"] = None
    tls_key: Annotated[Path | None, "PEM file of the private key"] = None
    tokens: Annotated[
        Path | None, "file of API tokens, one `name:sha256` a line; empty: none are asked on loopback"
    ] = None
    insecure: Annotated[bool, "listen beyond loopback without TLS and tokens (behind a proxy that has them)"] = False
    header_timeout: Annotated[Seconds, "time a client has to send a request's head"] = Seconds(10.0)
    body_timeout: Annotated[Seconds, "time a client has to send a request's body"] = Seconds(30.0)
    shutdown_timeout: Annotated[Seconds, "time that running requests have when the server stops"] = Seconds(20.0)


@dataclass(frozen=True, slots=True)
class Store:
    """The database."""

    url: Annotated[
        str, "`sqlite:PATH` or `postgresql://user:password@host/name`; empty: SQLite in the data directory", HIDDEN
    ] = ""
    pool: Annotated[int, "the most connections to PostgreSQL"] = 16
    event_retention: Annotated[Seconds, "how long events are kept once nothing waits for them"] = Seconds(15 * 86400.0)


@dataclass(frozen=True, slots=True)
class Runtime:
    """Where pods run."""

    kind: Annotated[
        Literal["process", "docker", "kubernetes"], "sandboxed processes; the others are not available yet"
    ] = "process"
    sandbox: Annotated[Literal["auto", "bwrap", "none"], "how processes are kept apart; auto: the best"] = "auto"
    network: Annotated[Literal["host", "none"], "what sandboxed processes see of it: the machine's, or none"] = "host"
    images: Annotated[
        Mapping[str, Any],
        "what images start and bring: name or pattern -> `{entrypoint, cmd, env, path, ash, capabilities}`",
    ] = field(default_factory=dict)
    host_paths: Annotated[tuple[str, ...], "directories that `hostPath` volumes may use, and what is in them"] = ()


@dataclass(frozen=True, slots=True)
class ArtifactLimits:
    """What an archive may unpack to."""

    bytes: Annotated[Bytes, "bytes in all"] = Bytes(16 << 30)
    files: Annotated[int, "entries"] = 1_000_000
    ratio: Annotated[int, "times the archive's own size, counted beyond 256Mi"] = 100


@dataclass(frozen=True, slots=True)
class Artifacts:
    """Where artifacts are kept."""

    repository: Annotated[
        Mapping[str, Any],
        "the default repository in Argo's form (`s3: {endpoint, bucket, ...}`); empty: the data directory",
    ] = field(default_factory=dict)
    archive_logs: Annotated[bool, "save the main container's log as the artifact `main-logs`"] = False
    limits: ArtifactLimits = field(default_factory=ArtifactLimits)
    git_files: Annotated[bool, "let git artifacts clone from paths of this machine"] = False


@dataclass(frozen=True, slots=True)
class Outbound:
    """What the server may call for artifacts and triggers: public addresses, and what is allowed here."""

    private: Annotated[bool, "also private, loopback and link-local addresses, but no cloud's metadata service"] = False
    allow: Annotated[tuple[str, ...], "hosts (`*` matches), addresses and networks that may be called anyway"] = ()


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds that keep one user's mistake from being everybody's."""

    parallelism: Annotated[int, "workflows that run at once; 0: 10000"] = 0
    pods: Annotated[int, "pods at once; 0: 100"] = 0
    event_size: Annotated[Bytes, "body of an event"] = Bytes(1 << 20)
    manifest_size: Annotated[Bytes, "text of a manifest"] = Bytes(1 << 20)
    events_waiting: Annotated[int, "deliveries that may wait before senders are told to come back later"] = 100_000


@dataclass(frozen=True, slots=True)
class Engine:
    """How workflows are run."""

    workflow_defaults: Annotated[
        Mapping[str, Any], "a Workflow's fields where a manifest leaves them out, as in Argo"
    ] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Telemetry:
    """Logs and metrics."""

    log_format: Annotated[Literal["auto", "json", "console"], "auto: console on a terminal, else JSON lines"] = "auto"
    log_level: Annotated[Literal["debug", "info", "warning", "error"], "the least that is logged"] = "info"
    metrics: Annotated[bool, "serve Prometheus metrics at `/metrics`"] = True


@dataclass(frozen=True, slots=True)
class Settings:
    """All sections. `origins` says for each dotted key that was set where that was; the rest are defaults."""

    data_dir: Annotated[Path, "where everything is kept that is not elsewhere"] = Path(".eventflow")
    namespace: Annotated[str, "namespace of what names none"] = "default"
    server: Server = field(default_factory=Server)
    store: Store = field(default_factory=Store)
    runtime: Runtime = field(default_factory=Runtime)
    artifacts: Artifacts = field(default_factory=Artifacts)
    outbound: Outbound = field(default_factory=Outbound)
    limits: Limits = field(default_factory=Limits)
    engine: Engine = field(default_factory=Engine)
    telemetry: Telemetry = field(default_factory=Telemetry)
    origins: Mapping[str, str] = field(default_factory=dict, compare=False, repr=False)

    def replace(self, **sections: Any) -> "Settings":
        """The same settings with whole sections or top-level values replaced, for tests and the command line."""
        return dataclasses.replace(self, **sections)
