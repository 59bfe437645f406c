# Paths inside pods are texts, and these are the hot paths of starting one.
# ruff: noqa: PTH103, PTH108, PTH112, PTH114, PTH115, PTH120, PTH211
"""Pods without a sandbox: processes that see the machine's own files.

Nothing keeps two such pods apart at one absolute path. So where no sandbox works, pods that use absolute paths are
refused; where the settings say `sandbox: none`, they share the machine's paths: mounts become symbolic links while the
pod runs, outputs left below the temporary directory by an earlier pod are removed before the next one starts.
"""

import os
import shutil
import tempfile
from collections.abc import Iterable
from pathlib import Path

from eventflow.errors import UserError
from eventflow.model.pod import Pod
from eventflow.runtimes.containers import Shape
from eventflow.runtimes.process import filesystem
from eventflow.runtimes.process.sandbox import Mount


def refuse_absolute(pod: Pod, shape: Shape) -> None:
    """Raise UserError for a pod that uses absolute paths, of which this machine has only one each."""
    paths = sorted(
        {*input_paths(pod), *output_paths(pod), *(m["mountPath"] for c in shape.containers for m in c.mounts)}
    )
    absolute = [path for path in paths if path.startswith("/")]
    if absolute:
        raise UserError(
            f"node {pod.node_name} uses {absolute[0]}, which pods would share: no sandbox works on this machine",
            hint="install bubblewrap (see `eventflow doctor`), or set sandbox: none to let pods share paths",
        )


def input_paths(pod: Pod) -> list[str]:
    """The paths of a pod's input artifacts."""
    return [str(one["path"]) for one in (pod.template.get("inputs") or {}).get("artifacts") or () if one.get("path")]


def output_paths(pod: Pod) -> list[str]:
    """The paths of a pod's outputs."""
    outputs = pod.template.get("outputs") or {}
    paths = [str(one["path"]) for one in outputs.get("artifacts") or () if one.get("path")]
    values = [(one.get("valueFrom") or {}).get("path") for one in outputs.get("parameters") or ()]
    return paths + [str(path) for path in values if path]


def clear(paths: Iterable[str], mounts: Iterable[Mount]) -> None:
    """Remove what an earlier pod left at these paths, if they are below the temporary directory. Blocking."""
    mounted = [mount.target for mount in mounts]
    base = os.path.realpath(tempfile.gettempdir())
    for path in map(filesystem.tidy, paths):
        real = os.path.realpath(path)
        below = real.startswith(base + "/") and not any(path == at or path.startswith(f"{at}/") for at in mounted)
        if not below:
            continue
        if os.path.isdir(real) and not os.path.islink(path):
            shutil.rmtree(real, ignore_errors=True)
        else:
            Path(path).unlink(missing_ok=True)


def link(mounts: Iterable[Mount]) -> None:
    """Let volumes be seen at their absolute paths. Raises UserError where something is there already. Blocking."""
    made: list[str] = []
    for mount in mounts:
        if mount.target in made and os.readlink(mount.target) == mount.source:
            continue  # several containers of the pod see it at one place
        try:
            os.makedirs(os.path.dirname(mount.target), exist_ok=True)
            os.symlink(mount.source, mount.target)
        except OSError as error:
            unlink(made)
            raise UserError(
                f"nothing can be mounted at {mount.target} without a sandbox: {error.strerror}",
                hint="install bubblewrap, or mount it where nothing is",
            ) from error
        made.append(mount.target)


def unlink(targets: Iterable[str]) -> None:
    """Remove the links that `link` made. Blocking."""
    for target in targets:
        if os.path.islink(target):
            os.unlink(target)
