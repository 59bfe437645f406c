# Paths inside pods are texts, and these are the hot paths of starting one.
# ruff: noqa: PTH103, PTH110
"""The volumes of a pod, as directories of the machine. Blocking.

emptyDir and what holds ConfigMaps, Secrets and the pod's own fields lives and dies with the pod; a claim is a
directory of its own below the runtime's data, kept until the claim is dropped.
"""

import os
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from eventflow.errors import PermanentError, UserError
from eventflow.runtimes import environment
from eventflow.runtimes.containers import Container, Spec
from eventflow.runtimes.environment import CONFIG_MAP, SECRET, Facts, Objects, Reference
from eventflow.runtimes.process import filesystem
from eventflow.runtimes.process.sandbox import Mount

_MODE = 0o644


@dataclass(frozen=True, slots=True)
class Volume:
    """A volume that is in place. `given`: its content is the pod's only to read."""

    path: str
    given: bool = False


@dataclass(frozen=True, slots=True)
class Places:
    """Where volumes live: `work` is the pod's directory, `claims` that of all claims; `host_paths` may be mounted."""

    work: Path
    claims: Path
    host_paths: tuple[str, ...] = ()


def references(volumes: Iterable[Spec]) -> set[Reference]:
    """Return the ConfigMaps and Secrets that volumes show."""
    found: set[Reference] = set()
    for volume in volumes:
        for source in (volume, *((volume.get("projected") or {}).get("sources") or ())):
            if source.get("configMap"):
                found.add((CONFIG_MAP, source["configMap"]["name"]))
            if source.get("secret"):
                found.add((SECRET, source["secret"].get("secretName") or source["secret"]["name"]))
    return found


def place(volume: Spec, facts: Facts, objects: Objects, places: Places) -> Volume:
    """Put one volume in place. Raises UserError for a kind that this machine does not have."""
    own = places.work / "volumes" / str(volume["name"])
    if "persistentVolumeClaim" in volume:
        return _claim(volume["persistentVolumeClaim"]["claimName"], facts.pod.namespace, places.claims)
    if "hostPath" in volume:
        return _host_path(volume, places.host_paths)
    files = _files(volume, facts, objects)
    own.mkdir(parents=True, exist_ok=True)
    if files is None:
        own.chmod(0o777)
        return Volume(str(own))
    for relative, (data, mode) in files.items():
        _write(own, relative, data, mode)
    return Volume(str(own), given=True)


def mounts_of(container: Container, volumes: Mapping[str, Volume], env: Mapping[str, str]) -> list[Mount]:
    """Return where a container sees volumes. Raises UserError for a mount of no volume, or an impossible place."""
    found = []
    for mount in container.mounts:
        volume = volumes.get(mount["name"])
        target = filesystem.tidy(mount["mountPath"])
        if volume is None:
            raise UserError(f"container {container.name!r} mounts {mount['name']!r}, but there is no such volume")
        if target in ("/", "/proc", "/dev"):
            raise UserError(f"container {container.name!r}: nothing can be mounted at {target}")
        sub = environment.expand(mount["subPathExpr"], env) if mount.get("subPathExpr") else mount.get("subPath") or ""
        source = _below(volume, sub) if sub else volume.path
        found.append(Mount(source, target, writable=not (volume.given or mount.get("readOnly"))))
    return found


def drop_claim(claims: Path, namespace: str, name: str) -> None:
    """Remove what a claim holds."""
    shutil.rmtree(claims / namespace / name, ignore_errors=True)


def _claim(name: str, namespace: str, claims: Path) -> Volume:
    for part in (name, namespace):
        if "/" in part or part in ("", ".", ".."):
            raise UserError(f"{part!r} is no name of a claim or namespace")
    directory = claims / namespace / name
    directory.mkdir(parents=True, exist_ok=True)
    return Volume(str(directory))


def _host_path(volume: Spec, allowed: tuple[str, ...]) -> Volume:
    path = os.path.realpath(volume["hostPath"]["path"])
    if not any(path == base or path.startswith(base.rstrip("/") + "/") for base in map(os.path.realpath, allowed)):
        raise UserError(
            f"volume {volume['name']!r}: hostPath {path} is not allowed",
            hint="list the directory, or one above it, in the setting runtime.hostPaths",
        )
    if not os.path.exists(path):
        if volume["hostPath"].get("type") != "DirectoryOrCreate":
            raise UserError(f"volume {volume['name']!r}: {path} is not there", hint="type: DirectoryOrCreate makes it")
        os.makedirs(path)
    return Volume(path)


def _files(volume: Spec, facts: Facts, objects: Objects) -> dict[str, tuple[bytes, int]] | None:
    """Return the files of a volume with content, None for one that starts empty."""
    if volume.get("projected"):
        found: dict[str, tuple[bytes, int]] = {}
        for source in volume["projected"].get("sources") or ():
            found.update(_source(source, facts, objects, volume["projected"].get("defaultMode")))
        return found
    if any(volume.get(kind) for kind in ("configMap", "secret", "downwardAPI")):
        return _source(volume, facts, objects, None)
    if "emptyDir" in volume or "ephemeral" in volume:
        return None
    kinds = [key for key in volume if key != "name"]
    raise UserError(
        f"volume {volume['name']!r}: the process runtime has no {kinds[0] if kinds else 'such'} volumes",
        hint="emptyDir, persistentVolumeClaim, configMap, secret, projected, downwardAPI, hostPath",
    )


def _source(source: Spec, facts: Facts, objects: Objects, mode: int | None) -> dict[str, tuple[bytes, int]]:
    if source.get("downwardAPI"):
        items = source["downwardAPI"].get("items") or ()
        return {
            item["path"]: (facts.field(item["fieldRef"]["fieldPath"]).encode(), item.get("mode") or mode or _MODE)
            for item in items
            if item.get("fieldRef")
        }
    kind, spec = (CONFIG_MAP, source["configMap"]) if source.get("configMap") else (SECRET, source.get("secret") or {})
    if not spec:
        raise UserError("a projected volume shows only configMap, secret and downwardAPI here")
    name = spec.get("name") or spec.get("secretName")
    data = environment.required(objects, kind, {"name": name, "optional": spec.get("optional")})
    if data is None:
        return {}
    mode = spec.get("defaultMode") or mode or _MODE
    if not spec.get("items"):
        return {key: (value, mode) for key, value in data.items()}
    return _chosen(kind, str(name), spec, data, mode)


def _chosen(
    kind: str, name: str, spec: Mapping[str, Any], data: Mapping[str, bytes], mode: int
) -> dict[str, tuple[bytes, int]]:
    missing = [item["key"] for item in spec["items"] if item["key"] not in data]
    if missing and not spec.get("optional"):
        raise UserError(f"{kind} {name!r} has no key {missing[0]!r}, which a volume shows")
    return {
        item["path"]: (data[item["key"]], item.get("mode") or mode) for item in spec["items"] if item["key"] in data
    }


def _write(directory: Path, relative: str, data: bytes, mode: int) -> None:
    try:
        path = Path(filesystem.inside(str(directory), relative))
    except PermanentError as error:
        raise UserError(str(error)) from error
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    path.chmod(mode)


def _below(volume: Volume, sub: str) -> str:
    """Return the part of a volume that is mounted; in one that may be written it is made."""
    try:
        path = filesystem.inside(volume.path, sub)
    except PermanentError as error:
        raise UserError(f"subPath: {error}") from error
    if not volume.given and not os.path.exists(path):
        os.makedirs(path)
    return path
