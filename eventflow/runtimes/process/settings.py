"""Settings of the process runtime."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal


@dataclass(frozen=True, slots=True)
class ProcessSettings:
    """`sandbox`: `bwrap` (refuse to start without), `none` (plain processes that see the machine's files, their paths
    rewritten, see plain.py), or `auto` (bubblewrap where it works, else as `none`).

    `network`: pods share the machine's network, or have `none`. `images` adds to the catalogue (see images.py).
    `host_paths` are directories that hostPath volumes may use. `trees` are further top-level directories of the machine
    that pods see read-only. `python` is the interpreter pods get when the machine has none in /usr.
    `log_limit` in bytes a container. In seconds: `grace`; `idle`, how long the supervisor outlives server and pods;
    `fetch_patience` and `save_patience`, how long an artifact store that fails for the moment is asked again.
    `parked` sandboxes are built ahead (see parking.py), 0 for none. `keep_pods`: what runs goes on when the server
    ends. `max_pods` run at once, `transfers` of artifacts at once.
    """

    sandbox: Literal["auto", "bwrap", "none"] = "auto"
    network: Literal["host", "none"] = "host"
    images: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    host_paths: tuple[str, ...] = ()
    trees: tuple[str, ...] = ()
    python: str | None = None
    log_limit: int = 64 << 20
    grace: float = 30.0
    idle: float = 60.0
    parked: int = 2
    keep_pods: bool = True
    max_pods: int = 1000
    transfers: int = 8
    fetch_patience: float = 120.0
    save_patience: float = 900.0
