"""The contract of a runtime: a place where pods run.

A runtime promises:

* `ensure` is idempotent by the pod's name. However often it is called, with whatever crashes between, the containers
  of one pod are started at most once. A pod already started is adopted, a pod already finished is reported again.
* The result of a finished pod outlives the pod and the server, until `forget`.
* Every pod that was ensured is reported finished or lost, once the runtime is open and the pod has ended.
  Reports may come more than once and in any order; they never contradict each other.
"""

from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from eventflow.model.pod import Pod, PodReport

Observer = Callable[[PodReport], None]


@dataclass(frozen=True, slots=True)
class LogLine:
    """One line a container wrote. `stream` is `stdout` or `stderr`; `at` is seconds since the epoch."""

    at: float
    container: str
    stream: str
    text: str


class Objects(Protocol):
    """The ConfigMaps, Secrets and claims that pods refer to, as plain manifests."""

    async def find(self, kind: str, namespace: str, name: str) -> Mapping[str, Any] | None:
        """Return the object, or None."""


class ArtifactTransfer(Protocol):
    """Moves artifacts between their stores and a pod's files. Implemented over `eventflow.artifacts`."""

    def within(self, namespace: str) -> "ArtifactTransfer":
        """Return the transfer that reads the stores' secrets from a namespace: the pod's."""

    async def fetch(self, artifact: Mapping[str, Any], destination: Path) -> bool:
        """Bring an artifact (Argo's form: name, location, archive, subPath ...) to `destination`; False if absent.

        Unpacks what was packed. Raises TemporaryError when the store may answer later, PermanentError when it will not.
        """

    async def save(self, artifact: Mapping[str, Any], source: Path, default: Mapping[str, Any]) -> Mapping[str, Any]:
        """Store a file or directory, packed as the artifact says; return the artifact with location, digest, size."""


class Runtime(Protocol):
    """A place where pods run. Opened as an async context manager by the composition root."""

    async def __aenter__(self) -> "Runtime": ...

    async def __aexit__(self, *exc: object) -> None: ...

    async def ensure(self, pod: Pod) -> None:
        """Start the pod unless it was ever started; reports follow through the observer. Returns once that is durable.

        Raises TemporaryError when the place cannot take it now, UserError when this pod can never run here.
        """

    async def stop(self, name: str, *, grace: float) -> None:
        """End a pod: politely, and after `grace` seconds for good. A pod that never started will not start any more."""

    async def forget(self, name: str) -> None:
        """Drop what is kept of a finished pod except its logs. Unknown names are fine."""

    def logs(self, name: str, *, container: str | None = None, follow: bool = False) -> AsyncIterator[LogLine]:
        """The lines a pod's containers wrote so far; with `follow`, until it ends."""
