# Paths inside pods are texts, and these are the hot paths of starting one.
# ruff: noqa: PTH110, PTH112, PTH114, PTH115, PTH208
"""The sandbox of one container: a bubblewrap command line.

Inside, `/` is a directory of the pod on disk, so that what the pod writes at any absolute path can be collected; /usr,
/etc, /opt and their like are the machine's, read-only; /proc, /dev and the process ids are its own. Ending bubblewrap
ends everything inside. It guards against accidents; it is not a boundary between tenants.
"""

import functools
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from eventflow.runtimes.process import toolbox

_TREES = ("bin", "sbin", "usr", "etc", "opt", "nix", "gnu")
_RESOLVER = "/etc/resolv.conf"

# Directories that every pod may write to from the start, with their modes.
_WRITABLE: dict[str, int | None] = {
    "/tmp": 0o1777,  # noqa: S108 - inside the pod
    "/var/tmp": 0o1777,  # noqa: S108 - inside the pod
    **dict.fromkeys(("/var/log", "/run/argo", "/root", "/mnt"), 0o755),
}


@dataclass(frozen=True, slots=True)
class Mount:
    """A directory or file of the machine (`source`) that is seen at `target` inside."""

    source: str
    target: str
    writable: bool = True


@dataclass(frozen=True, slots=True)
class Trees:
    """What pods see of the machine's files: directories, and symbolic links (link, target) at the top."""

    directories: tuple[str, ...]
    links: tuple[tuple[str, str], ...]

    def holds(self, path: str) -> bool:
        """Whether an absolute path lies in a read-only tree (or is one)."""
        top = "/" + path.strip("/").split("/", 1)[0]
        return top in self.directories or any(top == link for link, _ in self.links) or path in self.directories


@dataclass(frozen=True, slots=True)
class Identity:
    """Who the container is: user and group ids inside, capabilities it keeps."""

    user: int = 0
    group: int = 0
    capabilities: tuple[str, ...] = ()


@dataclass(frozen=True)
class Bubblewrap:
    """How bubblewrap is called on this machine; the probe finds out what it can do.

    `users`: a user namespace of its own; `nested`: whether more of them can be forbidden.
    """

    program: str
    trees: Trees
    tools: toolbox.Toolbox
    users: bool = True
    nested: bool = True
    network: bool = True

    def command(
        self,
        root: Path | str,
        mounts: Iterable[Mount],
        directory: str,
        identity: Identity,
        argv: Sequence[str],
        *,
        fresh: bool = True,
        options: Sequence[str] = (),
    ) -> list[str]:
        """Return the command line that runs `argv` in `directory` of a sandbox over `root`.

        `fresh` says that nothing ran over this root before: bubblewrap makes a symbolic link only where nothing is.
        """
        ordered = sorted(mounts, key=lambda mount: mount.target.count("/"))
        made = () if self.trees.holds(directory) or directory == "/" else ("--dir", directory)
        return [
            self.program,
            *("--bind", str(root), "/"),
            *self._machine,
            *(self._link_words if fresh else ()),
            *(word for mount in ordered for word in _bind(mount)),
            *self._isolation(identity),
            *made,
            *options,
            *("--chdir", directory),
            "--",
            *argv,
        ]

    @functools.cached_property
    def links(self) -> dict[str, str]:
        """The symbolic links that are made in an empty root."""
        own = {"/var/run": "../run", "/argosay": f"{toolbox.INSIDE}/bin/argosay"}
        return {**dict(self.trees.links), **own}

    @functools.cached_property
    def directories(self) -> dict[str, int | None]:
        """The directories that are made in an empty root: to write to, with their modes, and to mount on."""
        mounted = (*self.trees.directories, "/proc", "/dev", toolbox.INSIDE, *self.tools.extra)
        return {**_WRITABLE, **dict.fromkeys(mounted)}

    @functools.cached_property
    def files(self) -> tuple[str, ...]:
        """The empty files that are made in an empty root, to mount on: where /etc/resolv.conf leads, if elsewhere."""
        resolver = os.path.realpath(_RESOLVER)
        return () if self.trees.holds(resolver) or not os.path.exists(resolver) else (resolver,)

    @functools.cached_property
    def _link_words(self) -> tuple[str, ...]:
        return tuple(word for link, target in self.links.items() for word in ("--symlink", target, link))

    @functools.cached_property
    def _machine(self) -> tuple[str, ...]:
        return tuple(self._machine_words())

    def _machine_words(self) -> Iterable[str]:
        for tree in self.trees.directories:
            yield from ("--ro-bind", tree, tree)
        for resolver in self.files:
            yield from ("--ro-bind", resolver, resolver)
        for path, mode in _WRITABLE.items():
            yield from ("--perms", f"{mode:o}", "--dir", path)
        yield from ("--proc", "/proc", "--dev", "/dev")
        yield from ("--ro-bind", str(self.tools.directory), toolbox.INSIDE)
        for extra in self.tools.extra:
            yield from ("--ro-bind", extra, extra)

    def _isolation(self, identity: Identity) -> Iterable[str]:
        yield from ("--unshare-pid", "--unshare-ipc", "--die-with-parent", "--new-session")
        if not self.network:
            yield "--unshare-net"
        if self.users and not identity.capabilities:
            yield from ("--unshare-user", "--uid", str(identity.user), "--gid", str(identity.group))
            if self.nested:
                yield "--disable-userns"
        yield from ("--cap-drop", "ALL")
        for capability in identity.capabilities:
            yield from ("--cap-add", capability)


def discover(added: Iterable[str] = ()) -> Trees:
    """Look at the machine's top directory. Blocking."""
    directories, links = [], []
    for name in sorted(os.listdir("/")):
        if name not in _TREES and not name.startswith("lib") and f"/{name}" not in added:
            continue
        if os.path.islink(f"/{name}"):
            links.append((f"/{name}", os.readlink(f"/{name}")))
        elif os.path.isdir(f"/{name}"):
            directories.append(f"/{name}")
    directories += [path for path in added if path.count("/") > 1 and os.path.isdir(path)]
    return Trees(tuple(directories), tuple(links))


def _bind(mount: Mount) -> tuple[str, str, str]:
    return ("--bind" if mount.writable else "--ro-bind", mount.source, mount.target)
