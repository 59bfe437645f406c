# Paths inside pods are texts, and these are the hot paths of starting one.
# ruff: noqa: PTH103, PTH106, PTH110, PTH112, PTH113, PTH114, PTH115, PTH120, PTH202, PTH211
"""Pods without a sandbox: processes that see the machine's own files.

Each container has a root on disk as it has in the sandbox, and there every absolute path that the pod declares is to be
found (mounts as symbolic links), with /tmp and what else containers take for granted. In commands, arguments, variables
and scripts these paths are rewritten, so pods do not meet at one path. What a program makes up at run time, or has in
its files, is the machine's: this keeps well-meaning pods apart, and isolates nothing.
"""

import itertools
import os
import shutil
from collections.abc import Iterable, Sequence

from eventflow.errors import UserError
from eventflow.model.pod import Pod
from eventflow.runtimes.containers import Container, Shape
from eventflow.runtimes.process import filesystem
from eventflow.runtimes.process.relocation import Relocation
from eventflow.runtimes.process.sandbox import Mount

# What a container may write to although nobody declared it; /var/run is a link to /run in images.
_PROVIDED = ("/tmp", "/var/tmp", "/root", "/run/argo", "/argo")  # noqa: S108 - inside the pod
_RUN = "/var/run/argo"
_ARGOSAY = "/argosay"

# Directories below which a path may be the machine's own: its programs, libraries and settings.
_MACHINES = frozenset(
    (
        *("bin", "dev", "etc", "gnu", "lib", "lib32", "lib64", "libx32", "nix", "opt", "proc", "sbin", "sys", "usr"),
        *("Applications", "Library", "System"),
    )
)
# Directories that every image has, so that a pod may write into them without making them.
_USUAL = ("/mnt", "/srv", "/home", "/var", "/var/log", "/var/lib", "/var/cache", "/run")
_SEED_LIMIT = 16 << 20

_NESTED = "/.nested"
_BLANKS = frozenset(" \t\n'\"\\$`*?[]{}()<>|&;!#~")


def input_paths(pod: Pod) -> list[str]:
    """The paths of a pod's input artifacts."""
    return [str(one["path"]) for one in (pod.template.get("inputs") or {}).get("artifacts") or () if one.get("path")]


def output_paths(pod: Pod) -> list[str]:
    """The paths of a pod's outputs."""
    outputs = pod.template.get("outputs") or {}
    paths = [str(one["path"]) for one in outputs.get("artifacts") or () if one.get("path")]
    values = [(one.get("valueFrom") or {}).get("path") for one in outputs.get("parameters") or ()]
    return paths + [str(path) for path in values if path]


def check_place(pods: str) -> None:
    """Raise UserError for a directory of pods whose name a shell would take apart: it comes to stand in scripts."""
    if not _BLANKS.isdisjoint(pods):
        raise UserError(
            f"without a sandbox, the path of the pods' files may hold no blanks, quotes or wildcards: {pods}",
            hint="choose another data_dir, or install bubblewrap",
        )


def relocation(pod: Pod, shape: Shape, container: Container, root: str, argosay: str) -> Relocation:
    """Return where a container with this root finds the paths that its pod declares.

    A directory above one of them is the pod's too (`mkdir -p /out`, declared is /out/file), unless the machine has it.
    """
    mounts = [mount["mountPath"] for one in shape.containers for mount in one.mounts]
    declared = [*map(filesystem.tidy, (*mounts, *input_paths(pod), *output_paths(pod), *_directories(shape)))]
    above = [path for path in itertools.chain(*map(_above, declared)) if not os.path.exists(path)]
    targets = {path: _place(root, path, container) for path in (*_PROVIDED, *above, *declared) if path != "/"}
    return Relocation({_RUN: f"{root}/run/argo", _ARGOSAY: argosay, **targets})


def _place(root: str, path: str, container: Container) -> str:
    """Return where a path of a container is: below its root.

    A volume mounted inside another has a place of its own: a link to it would be made in the outer one, for all to see.
    """
    mounted = {filesystem.tidy(mount["mountPath"]) for mount in container.mounts}
    above = sorted((at for at in mounted if path == at or path.startswith(f"{at}/")), key=len)
    if len(above) < 2:
        return f"{root}{path}"
    return f"{root}{_NESTED}{above[-1].replace('_', '__').replace('/', '_')}{path[len(above[-1]) :]}"


def furnish(pod: Pod, shape: Shape, container: Container, root: str, mounts: Sequence[Mount]) -> list[Mount]:
    """Make what a container is to find below its root; return its mounts, with the machine's own directories that it
    declares. Raises UserError where a volume cannot be seen. Blocking.
    """
    mounts = [*mounts, *_machines_own(pod, shape, root, mounts)]
    for mount in sorted(mounts, key=lambda one: one.target.count("/")):
        _link(mount, _place(root, mount.target, container))
    for path in (*_PROVIDED, "/var"):
        os.makedirs(_place(root, path, container), exist_ok=True)
    if not os.path.lexists(f"{root}/var/run"):
        os.symlink("../run", f"{root}/var/run")
    for path in map(filesystem.tidy, output_paths(pod)):
        above = os.path.dirname(path)
        if above in _USUAL or os.path.isdir(above):
            os.makedirs(_place(root, above, container), exist_ok=True)
    _make_directory(directory(container, root))
    return mounts


def directory(container: Container, root: str) -> str:
    """Return where a container starts."""
    path = filesystem.tidy(str(container.spec.get("workingDir") or "/"))
    return root if path == "/" else _place(root, path, container)


def variables(pod: Pod, container: Container, root: str, path: str) -> dict[str, str]:
    """Return what a container's environment says of its places: `path` is its PATH otherwise.

    PATH begins with the directories for which it is given programs as artifacts; PWD keeps shells from naming what the
    directory is a link to.
    """
    given = {os.path.dirname(filesystem.tidy(one)) for one in input_paths(pod)}
    search = ":".join([*(root + each for each in path.split(":") if each in given), path])
    temporary, home = (_place(root, path, container) for path in ("/tmp", "/root"))  # noqa: S108 - inside the pod
    return {"PATH": search, "HOME": home, "TMPDIR": temporary, "PWD": directory(container, root)}


def restored(container: Container, root: str, mounts: Iterable[Mount]) -> list[list[str]]:
    """Return the machine's directories and what they are to the pod, to undo the rewriting in what it says."""
    known = {root: "/", os.path.realpath(root): "/"}
    for mount in mounts:
        if mount.source != mount.target:
            known |= {_place(root, mount.target, container): mount.target, mount.source: mount.target}
            known[os.path.realpath(mount.source)] = mount.target
    return [[place, path] for place, path in known.items()]


def _directories(shape: Shape) -> list[str]:
    return [str(one.spec["workingDir"]) for one in shape.containers if one.spec.get("workingDir")]


def _machines_own(pod: Pod, shape: Shape, root: str, mounts: Sequence[Mount]) -> list[Mount]:
    """Return the declared directories that the machine has; files of the machine are copied, to be the pod's to change.

    So `workingDir: /usr/share` and an output at /etc/hostname mean what they mean in the sandbox.
    """
    found = []
    view = filesystem.View(root, mounts, None)
    for path in map(filesystem.tidy, (*output_paths(pod), *_directories(shape))):
        if not _is_machines(path) or view.mounted(path) is not None or os.path.lexists(root + path):
            continue
        if os.path.isfile(path) and os.access(path, os.R_OK) and os.path.getsize(path) <= _SEED_LIMIT:
            os.makedirs(os.path.dirname(root + path), exist_ok=True)
            shutil.copy(path, root + path)
        elif os.path.exists(path):
            found.append(Mount(path, path, writable=False))
    return filesystem.unique(found)


def _above(path: str) -> Iterable[str]:
    parts = path.split("/")
    return ("/".join(parts[:count]) for count in range(2, len(parts)))


def _is_machines(path: str) -> bool:
    return path.split("/", 2)[1] in _MACHINES


def _link(mount: Mount, at: str) -> None:
    try:
        os.makedirs(os.path.dirname(at), exist_ok=True)
        if os.path.islink(at) and os.readlink(at) == mount.source:
            return  # inside what several containers share
        if os.path.isdir(at) and not os.path.islink(at):
            os.rmdir(at)
        os.symlink(mount.source, at)
    except OSError as error:
        raise UserError(
            f"nothing can be mounted at {mount.target} without a sandbox: {error.strerror}",
            hint="install bubblewrap, or mount it where nothing is",
        ) from error


def _make_directory(path: str) -> None:
    try:
        os.makedirs(path, exist_ok=True)
    except OSError as error:
        raise UserError(f"the working directory {path} cannot be made: {error.strerror}") from error
