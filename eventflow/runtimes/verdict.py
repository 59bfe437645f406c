"""From how the containers ended to how the pod ended, in Argo's words.

Source: Argo v4.1.2 workflow/controller/operator.go, inferFailedReason and assessNodeStatus.
"""

import signal
from collections.abc import Sequence
from dataclasses import dataclass

from eventflow.model.pod import ContainerEnd, Outcome
from eventflow.runtimes.containers import MAIN, Kind

DEADLINE = "Pod was active on the node longer than the specified deadline"
EMISSARY_ERROR = 64

_ENDED_BY_US = {128 + signal.SIGKILL, 128 + signal.SIGTERM}


@dataclass(frozen=True, slots=True)
class Ended:
    """How one container ended: Kubernetes' terminated state. `code` is None if it never ran.

    `runtime_failed`: the place could not run it; no fault of what was to run.
    """

    name: str
    kind: Kind
    code: int | None
    reason: str = ""
    message: str = ""
    started_at: float = 0.0
    finished_at: float = 0.0
    runtime_failed: bool = False


def words(name: str, reason: str, code: int, message: str = "") -> str:
    """Return a terminated container in Argo's words: `main: Error (exit code 1)`, `: message` behind it if any."""
    said = f"{name}: {reason} (exit code {code})"
    return f"{said}: {message}" if message else said


def executor_error(step: str, message: str) -> str:
    """Return the words for what Argo's own containers failed at: `init` before main, `wait` behind it."""
    return words(step, "Error", EMISSARY_ERROR, message)


def of_pod(ends: Sequence[Ended]) -> tuple[Outcome, str]:
    """Return the pod's outcome and message. Init containers count before main ones, those before sidecars."""
    for end in sorted(ends, key=_rank):
        if not end.code:
            continue
        message = words(end.name, end.reason, end.code, end.message)
        if end.runtime_failed:
            return "Error", message
        if end.kind != "sidecar" or end.code not in _ENDED_BY_US:
            return "Failed", message
    return "Succeeded", ""


def of_container(end: Ended) -> ContainerEnd:
    """Return a child of a container set as Argo's Container node shows it."""
    if not end.code:
        outcome: Outcome = "Succeeded" if end.code == 0 else "Failed"
        message = "" if end.code == 0 else "Pod Failed whilst container running"
    else:
        outcome = "Error" if end.code == EMISSARY_ERROR else "Failed"
        message = f"{end.name}: {end.reason} (exit code {end.code}): {end.message}"
    return ContainerEnd(end.name, outcome, end.code, message, end.started_at, end.finished_at)


def exit_code(ends: Sequence[Ended]) -> int | None:
    """Return the exit code of the container called main."""
    return next((end.code for end in ends if end.kind == "main" and end.name == MAIN), None)


def _rank(end: Ended) -> int:
    return ("init", "main", "sidecar").index(end.kind)
