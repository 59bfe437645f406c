# Paths inside pods are texts, and these are the hot paths of starting one.
# ruff: noqa: PTH101, PTH102, PTH103, PTH110, PTH119, PTH120, PTH123
"""Prepares a pod: its directory, volumes, artifacts and script, and the bundle that the supervisor runs.

What does not exist yet is made, what a crash left half-made is removed first; nothing here starts anything.
"""

import asyncio
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from eventflow.model.identity import uid_for
from eventflow.model.pod import Pod
from eventflow.runtimes import containers, environment
from eventflow.runtimes.containers import Container, Shape
from eventflow.runtimes.contract import ArtifactTransfer, Objects
from eventflow.runtimes.environment import Facts, Reference
from eventflow.runtimes.process import filesystem, inputs, layout, volumes
from eventflow.runtimes.process.filesystem import View
from eventflow.runtimes.process.images import Image, Images
from eventflow.runtimes.process.sandbox import Bubblewrap, Mount, Trees
from eventflow.runtimes.process.settings import ProcessSettings
from eventflow.runtimes.process.toolbox import INSIDE, Toolbox

_ARGUMENT_LIMIT = 128 << 10
_SCRIPT_MODE = 0o755


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


@dataclass(slots=True)
class Staged:
    """A pod whose files are being put in place."""

    pod: Pod
    shape: Shape
    uid: str
    facts: Facts
    work: Path
    trees: Trees | None
    environments: dict[str, dict[str, str]] = field(default_factory=dict)
    mounts: dict[str, list[Mount]] = field(default_factory=dict)
    arguments: dict[str, list[str]] = field(default_factory=dict)

    def root(self, container: str) -> Path:
        """The directory that is a container's `/`."""
        return self.work / container

    def view(self, container: str) -> View:
        """A container's file system."""
        return View(str(self.root(container)), self.mounts.get(container, ()), self.trees)

    @property
    def progress_file(self) -> str:
        """The progress file as the machine sees it. In the sandbox /var/run is a link to /run."""
        root = self.root(self.main)
        return f"{root}/run/argo/progress" if self.trees is not None else f"{root}/progress"

    @property
    def main(self) -> str:
        """The container that inputs and outputs belong to: `main`, or the first one where none has that name."""
        names = [one.name for one in self.shape.of_kind("main")]
        return containers.MAIN if containers.MAIN in names else names[0]


async def stage(
    pod: Pod, ground: Ground, objects: Objects, transfer: ArtifactTransfer, patience: inputs.Patience
) -> Staged:
    """Put everything in place.

    Raises UserError for what can never run here, StagingFailed for what Argo's init container would have failed with.
    """
    staged = _begin(pod, ground)
    wanted = environment.references(staged.shape.containers) | volumes.references(_mounted_volumes(staged.shape))
    known = dict(await asyncio.gather(*(_find(objects, pod.namespace, ref) for ref in sorted(wanted))))
    artifacts = (pod.template.get("inputs") or {}).get("artifacts") or ()
    if _light(staged, artifacts):
        _place(staged, ground, known)
        return staged
    await asyncio.to_thread(_place, staged, ground, known)
    fetched = await inputs.fetch(artifacts, staged.work / "incoming", transfer, patience)
    if fetched:
        await asyncio.to_thread(_place_artifacts, staged, artifacts, fetched)
    return staged


def unstage(work: Path) -> None:
    """Remove a pod's directory. Blocking."""
    shutil.rmtree(work, ignore_errors=True)


def _begin(pod: Pod, ground: Ground) -> Staged:
    work = ground.places.pod(pod.name)
    script = containers.SCRIPT_PATH if ground.bubblewrap is not None else str(work / "script")
    shape = containers.shape_of(pod, script, ground.settings.grace)
    for one in shape.containers:
        layout.checked_container(one.name)
    uid = uid_for("Pod", pod.namespace, pod.name)
    return Staged(pod, shape, uid, Facts(pod, uid, ground.host), work, ground.trees)


async def _find(objects: Objects, namespace: str, ref: Reference) -> tuple[Reference, Mapping[str, Any] | None]:
    return ref, await objects.find(ref[0], namespace, ref[1])


def _light(staged: Staged, artifacts: Any) -> bool:
    """Whether placing takes so little that a thread would cost more."""
    return not artifacts and not any(one.mounts for one in staged.shape.containers)


def _mounted_volumes(shape: Shape) -> list[containers.Spec]:
    names = {mount["name"] for one in shape.containers for mount in one.mounts}
    return [volume for name, volume in shape.volumes.items() if name in names]


def _place(staged: Staged, ground: Ground, objects: environment.Objects) -> None:
    """Make directories, volumes, the script; resolve environments and commands. Blocking."""
    try:
        staged.work.mkdir()
    except FileExistsError:  # left by a server that died while it prepared this pod
        unstage(staged.work)
        staged.work.mkdir()
    places = volumes.Places(staged.work, ground.places.claims, ground.settings.host_paths)
    mounted = _mounted_volumes(staged.shape)
    placed = {volume["name"]: volumes.place(volume, staged.facts, objects, places) for volume in mounted}
    shared = environment.argo(staged.pod, staged.uid)
    for one in staged.shape.containers:
        os.mkdir(staged.root(one.name))
        env = environment.of_container(one, staged.facts, objects, _base(one, staged, ground, shared))
        staged.environments[one.name] = env
        staged.mounts[one.name] = volumes.mounts_of(one, placed, env)
    if staged.trees is not None:
        _open_trees(staged)
    _write_script(staged)
    for one in staged.shape.containers:
        staged.arguments[one.name] = _arguments(one, staged, ground)


def _base(one: Container, staged: Staged, ground: Ground, shared: Mapping[str, str]) -> dict[str, str]:
    image = ground.images.find(str(one.spec.get("image") or "")) or Image()
    sandboxed = ground.bubblewrap is not None
    path = ground.tools.path(INSIDE if sandboxed else str(ground.tools.directory), ash=image.ash, first=image.path)
    home = "/root" if sandboxed else str(staged.root(one.name))
    fixed = {"PATH": path, "HOME": home, "HOSTNAME": staged.pod.name, "ARGO_CONTAINER_NAME": one.name}
    if not sandboxed:
        fixed["ARGO_PROGRESS_FILE"] = staged.progress_file
    return {**shared, **fixed, **image.env}


def _arguments(one: Container, staged: Staged, ground: Ground) -> list[str]:
    """Return the command with $(NAME) replaced. What the kernel takes for too long goes to a file, as in Argo."""
    env = staged.environments[one.name]
    argv = [environment.expand(str(word), env) for word in ground.images.command(one.spec)]
    image = ground.images.find(str(one.spec.get("image") or ""))
    if image is not None and image.ash and argv[0] in ("/bin/sh", "/bin/ash"):
        argv[0] = "sh"
    for number, word in enumerate(argv):
        if len(word) >= _ARGUMENT_LIMIT and len(word.encode()) >= _ARGUMENT_LIMIT:
            path = f"/tmp/argo_arg_{max(0, number - 1)}.txt"  # noqa: S108 - inside the pod
            _write(staged.view(one.name).locate(path), word, 0o644)
            argv[number] = f"@{path}"
    return argv


def _write_script(staged: Staged) -> None:
    if staged.shape.script is not None:
        path = staged.view(staged.main).locate(containers.SCRIPT_PATH) if staged.trees else str(staged.work / "script")
        _write(path, staged.shape.script, _SCRIPT_MODE)
    for one in staged.shape.containers:
        if staged.environments[one.name]["ARGO_TEMPLATE"] == "offloaded" and staged.trees is not None:
            path = staged.view(one.name).locate(environment.TEMPLATE_FILE)
            _write(path, environment.template_text(staged.pod), 0o644)


def _open_trees(staged: Staged) -> None:
    """Let containers write where they must although the machine's tree there is read-only: outputs, inputs, mounts."""
    template = staged.pod.template
    ins, outs = template.get("inputs") or {}, template.get("outputs") or {}
    paths = [one["path"] for group in (ins, outs) for one in group.get("artifacts") or () if one.get("path")]
    values = [one.get("valueFrom") or {} for one in outs.get("parameters") or ()]
    paths += [value["path"] for value in values if value.get("path")]
    for one in staged.shape.containers:
        own = paths if one.artifacts else []
        missing = [mount.target for mount in staged.mounts[one.name] if not os.path.exists(mount.target)]
        for path in [filesystem.tidy(path) for path in own] + missing:
            view = View(str(staged.root(one.name)), _farms(staged, one.name), staged.trees)
            if path in missing or staged.view(one.name).mounted(path) is None:
                _open_tree(staged, one.name, path, view)


def _open_tree(staged: Staged, container: str, path: str, view: View) -> None:
    top = path.count("/") == 1
    if top or not view.read_only(os.path.realpath(os.path.dirname(path)) + "/" + os.path.basename(path)):
        return
    staged.mounts[container] = filesystem.unique([*staged.mounts[container], *filesystem.farm(staged.work, path)])


def _farms(staged: Staged, container: str) -> list[Mount]:
    own = str(staged.work / "farm")
    return [mount for mount in staged.mounts[container] if mount.source.startswith(own)]


def _place_artifacts(staged: Staged, artifacts: Any, fetched: Mapping[str, Path]) -> None:
    """Put fetched artifacts in place: into the only container that sees them, or where several can. Blocking."""
    seeing = [one.name for one in staged.shape.containers if one.artifacts]
    main = staged.view(staged.main)
    if len(seeing) == 1:
        inputs.settle(artifacts, fetched, main)
        return
    on_volumes = [one for one in artifacts if main.mounted(filesystem.tidy(one["path"])) is not None]
    inputs.settle(on_volumes, fetched, main)
    others = [one for one in artifacts if one not in on_volumes]
    mounts = inputs.share(others, fetched, staged.work / "inputs")
    for name in seeing:
        staged.mounts[name] = filesystem.unique([*mounts, *staged.mounts[name]])


def _write(path: str, text: str, mode: int) -> None:
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8", errors="surrogateescape") as file:
        file.write(text)
    os.chmod(path, mode)
