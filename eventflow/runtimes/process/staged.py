"""A pod that is being prepared, and what all pods of a runtime are prepared on."""

from dataclasses import dataclass, field
from pathlib import Path

from eventflow.model.identity import uid_for
from eventflow.model.pod import Pod
from eventflow.runtimes import containers
from eventflow.runtimes.containers import Shape
from eventflow.runtimes.environment import Facts
from eventflow.runtimes.process import layout
from eventflow.runtimes.process.filesystem import View
from eventflow.runtimes.process.images import Images
from eventflow.runtimes.process.sandbox import Bubblewrap, Mount, Trees
from eventflow.runtimes.process.settings import ProcessSettings
from eventflow.runtimes.process.toolbox import Toolbox


@dataclass(frozen=True, slots=True)
class Ground:
    """What all pods of a runtime are prepared on. Without `bubblewrap` they are plain processes."""

    settings: ProcessSettings
    places: layout.Layout
    bubblewrap: Bubblewrap | None
    tools: Toolbox
    images: Images
    host: str

    @property
    def trees(self) -> Trees | None:
        return self.bubblewrap.trees if self.bubblewrap is not None else None

    def uid(self, pod: Pod) -> str:
        """A pod's uid. It marks the pod's processes, so it differs between data directories, where names may not."""
        return uid_for("Pod", self.host, str(self.places.data), pod.namespace, pod.name)


@dataclass(frozen=True, slots=True)
class File:
    """A text that a container is to find at a path."""

    container: str
    path: str
    text: str
    mode: int = 0o644


@dataclass(slots=True)
class Staged:
    """A pod on its way. By container: environment, mounts, command. `files` are to be written.

    `launcher` is what a sandbox that waits is to execute, of a light pod; the supervisor makes its directory and files.
    """

    pod: Pod
    shape: Shape
    uid: str
    facts: Facts
    work: Path
    trees: Trees | None
    environments: dict[str, dict[str, str]] = field(default_factory=dict)
    mounts: dict[str, list[Mount]] = field(default_factory=dict)
    arguments: dict[str, list[str]] = field(default_factory=dict)
    files: list[File] = field(default_factory=list)
    launcher: str | None = None

    def root(self, container: str) -> Path:
        """The directory that is a container's `/`."""
        return self.work / container

    def view(self, container: str) -> View:
        """A container's file system."""
        return View(str(self.root(container)), self.mounts.get(container, ()), self.trees)

    @property
    def progress_file(self) -> str:
        """The progress file as the machine sees it. In the sandbox /var/run is a link to /run."""
        return f"{self.root(self.main)}/run/argo/progress"

    @property
    def main(self) -> str:
        """The container that inputs and outputs belong to: `main`, or the first one where none has that name."""
        names = [one.name for one in self.shape.of_kind("main")]
        return containers.MAIN if containers.MAIN in names else names[0]
