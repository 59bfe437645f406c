# Paths inside pods are texts, and these are the hot paths of starting one.
# ruff: noqa: PTH101, PTH102, PTH103, PTH110, PTH119, PTH120, PTH123
"""Prepares a pod: its directory, volumes, artifacts and script.

What does not exist yet is made, what a crash left half-made is removed first; nothing here starts anything. Of a light
pod nothing is made here at all: the supervisor does it, in a sandbox that waits.
"""

import asyncio
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from eventflow.model.pod import Pod
from eventflow.runtimes import containers, environment
from eventflow.runtimes.containers import Shape
from eventflow.runtimes.contract import ArtifactTransfer, Objects
from eventflow.runtimes.environment import Facts, Reference
from eventflow.runtimes.process import filesystem, inputs, layout, light, plain, volumes
from eventflow.runtimes.process.compose import compose
from eventflow.runtimes.process.filesystem import View
from eventflow.runtimes.process.sandbox import Mount
from eventflow.runtimes.process.staged import Ground, Staged


async def stage(
    pod: Pod, ground: Ground, objects: Objects, transfer: ArtifactTransfer, patience: inputs.Patience
) -> Staged:
    """Put everything in place.

    Raises UserError for what can never run here, StagingFailed for what Argo's init container would have failed with.
    """
    staged = _begin(pod, ground)
    wanted = environment.references(staged.shape.containers) | volumes.references(_mounted_volumes(staged.shape))
    known = dict(await asyncio.gather(*(_find(objects, pod.namespace, ref) for ref in sorted(wanted))))
    if light.is_light(staged, ground):
        compose(staged, ground, known, {})
        if light.prepare(staged):
            return staged
        staged.files.clear()
    artifacts = (pod.template.get("inputs") or {}).get("artifacts") or ()
    if not artifacts and not any(one.mounts for one in staged.shape.containers):
        _place(staged, ground, known)  # some directories: a thread would take longer
        _furnish(staged)
        return staged
    await asyncio.to_thread(_place, staged, ground, known)
    fetched = await inputs.fetch(artifacts, staged.work / "incoming", transfer.within(pod.namespace), patience)
    if fetched:
        await asyncio.to_thread(_place_artifacts, staged, artifacts, fetched)
    await asyncio.to_thread(_furnish, staged)
    return staged


def unstage(work: Path) -> None:
    """Remove a pod's directory. Blocking."""
    shutil.rmtree(work, ignore_errors=True)


def _begin(pod: Pod, ground: Ground) -> Staged:
    work = ground.places.pod(pod.name)
    shape = containers.shape_of(pod, containers.SCRIPT_PATH, ground.settings.grace)
    for one in shape.containers:
        layout.checked_container(one.name)
    uid = ground.uid(pod)
    return Staged(pod, shape, uid, Facts(pod, uid, ground.host), work, ground.trees)


async def _find(objects: Objects, namespace: str, ref: Reference) -> tuple[Reference, Mapping[str, Any] | None]:
    return ref, await objects.find(ref[0], namespace, ref[1])


def _mounted_volumes(shape: Shape) -> list[containers.Spec]:
    names = {mount["name"] for one in shape.containers for mount in one.mounts}
    return [volume for name, volume in shape.volumes.items() if name in names]


def _place(staged: Staged, ground: Ground, objects: environment.Objects) -> None:
    """Make the pod's directories, volumes and files. Blocking."""
    try:
        staged.work.mkdir()
    except FileExistsError:  # left by a server that died while it prepared this pod
        unstage(staged.work)
        staged.work.mkdir()
    places = volumes.Places(staged.work, ground.places.claims, ground.settings.host_paths)
    mounted = _mounted_volumes(staged.shape)
    placed = {volume["name"]: volumes.place(volume, staged.facts, objects, places) for volume in mounted}
    for one in staged.shape.containers:
        os.mkdir(staged.root(one.name))
    compose(staged, ground, objects, placed)
    if staged.trees is not None:
        _open_trees(staged)
    for file in staged.files:
        _write(staged.view(file.container).locate(file.path), file.text, file.mode)


def _furnish(staged: Staged) -> None:
    """Without a sandbox: let containers find below their roots what a sandbox would show them. Blocking."""
    if staged.trees is not None:
        return
    for one in staged.shape.containers:
        root, mounts = str(staged.root(one.name)), staged.mounts[one.name]
        staged.mounts[one.name] = plain.furnish(staged.pod, staged.shape, one, root, mounts)


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
