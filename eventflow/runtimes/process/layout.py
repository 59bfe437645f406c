"""Where the process runtime keeps things below its data directory.

runtime/           the supervisor's ledger, socket and log; the toolbox
pods/NAME/         a pod until it is forgotten: CONTAINER/ (the root it sees), volumes/, inputs/, farm/
volumes/NS/CLAIM/  claims
logs/UID/NAME/     CONTAINER.log of each container; outlives the pod
spare/, trash/     roots to be used again; what is being removed
"""

import re
from dataclasses import dataclass
from pathlib import Path

from eventflow.errors import UserError

_POD = re.compile(r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,252}$")
_CONTAINER = re.compile(r"^[A-Za-z0-9][A-Za-z0-9_-]{0,62}$")
_RESERVED = {"volumes", "inputs", "farm", "incoming", "script"}


@dataclass(frozen=True, slots=True)
class Layout:
    """The directories below `data`."""

    data: Path

    @property
    def runtime(self) -> Path:
        return self.data / "runtime"

    @property
    def tools(self) -> Path:
        return self.data / "runtime" / "tools"

    @property
    def pods(self) -> Path:
        return self.data / "pods"

    @property
    def claims(self) -> Path:
        return self.data / "volumes"

    @property
    def spare(self) -> Path:
        return self.data / "spare"

    @property
    def trash(self) -> Path:
        return self.data / "trash"

    @property
    def logs(self) -> Path:
        return self.data / "logs"

    def pod(self, name: str) -> Path:
        """The directory of one pod. Raises UserError for a name that is none."""
        return self.pods / checked_pod(name)

    def pod_logs(self, workflow_uid: str, name: str) -> Path:
        """The directory of one pod's logs."""
        return self.logs / (re.sub(r"[^A-Za-z0-9_-]", "_", workflow_uid) or "_") / checked_pod(name)


def checked_pod(name: str) -> str:
    """Return a pod's name if it can name a directory. Raises UserError."""
    if not _POD.fullmatch(name):
        raise UserError(f"{name!r} is no name for a pod", hint="letters, digits, '-', '_' and '.', at most 253")
    return name


def checked_container(name: str) -> str:
    """Return a container's name if it can name a directory. Raises UserError."""
    if not _CONTAINER.fullmatch(name) or name in _RESERVED:
        raise UserError(f"{name!r} is no name for a container", hint="letters, digits and '-', at most 63")
    return name
