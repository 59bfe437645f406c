"""What an image means where no image is pulled: its entrypoint and command, and which shell its `sh` is.

The process runtime runs the machine's own programs. This catalogue holds what widely used images start when a container
names no command; settings add to it (`images: {pattern: {entrypoint: [...], cmd: [...]}}`).
"""

import fnmatch
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from eventflow.errors import UserError

# Ports below 1024, and dropping root's rights as servers do when they start.
_SERVER = ("CAP_NET_BIND_SERVICE", "CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_SETUID", "CAP_SETGID")

# curlimages/curl puts curl in front of what looks like its options.
_CURL = ("sh", "-c", 'case "${1:--}" in -*) exec curl "$@";; *) exec "$@";; esac', "entrypoint")


@dataclass(frozen=True, slots=True)
class Image:
    """What an image brings: `entrypoint` and `cmd` as in its configuration, `env` it sets.

    `ash`: its `sh` is BusyBox' (echo -e, $RANDOM, [[ ]]), which Debian's dash is not. `path` are directories of the
    machine to find programs in first, `capabilities` are what its program needs of root's rights.
    """

    entrypoint: tuple[str, ...] = ()
    cmd: tuple[str, ...] = ()
    ash: bool = False
    path: tuple[str, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict)
    capabilities: tuple[str, ...] = ()

    def command(self, command: Sequence[str], args: Sequence[str]) -> list[str]:
        """Return what to run: `command` replaces the entrypoint and with it `cmd`, `args` replace `cmd`."""
        if command:
            return [*command, *args]
        return [*self.entrypoint, *(args or self.cmd)]


_CATALOGUE: tuple[tuple[str, Image], ...] = (
    ("busybox", Image(cmd=("sh",), ash=True)),
    ("alpine", Image(cmd=("/bin/sh",), ash=True)),
    ("debian", Image(cmd=("bash",))),
    ("ubuntu", Image(cmd=("/bin/bash",))),
    ("bash", Image(cmd=("bash",), ash=True)),
    ("python:*alpine*", Image(cmd=("python3",), ash=True)),
    ("python", Image(cmd=("python3",))),
    ("golang:*alpine*", Image(cmd=("/bin/sh",), ash=True)),
    ("golang", Image(cmd=("bash",))),
    ("node:*alpine*", Image(cmd=("node",), ash=True)),
    ("node", Image(cmd=("node",))),
    ("perl", Image(cmd=("perl",))),
    ("ruby", Image(cmd=("irb",))),
    ("nginx", Image(cmd=("nginx", "-g", "daemon off;"), capabilities=_SERVER)),
    ("redis", Image(cmd=("redis-server",))),
    ("influxdb:1.*", Image(cmd=("influxd",))),
    ("argoproj/argosay:v1", Image(cmd=("cowsay",))),
    ("argoproj/argosay", Image(entrypoint=("/argosay",), ash=True)),
    ("docker/whalesay", Image(cmd=("cowsay",))),
    ("curlimages/curl", Image(entrypoint=_CURL, cmd=("curl",), ash=True)),
    ("stedolan/jq", Image(entrypoint=("jq",), ash=True)),
    ("ghcr.io/jqlang/jq", Image(entrypoint=("jq",), ash=True)),
    ("mikefarah/yq", Image(entrypoint=("yq",), ash=True)),
    ("alpine/git", Image(entrypoint=("git",), ash=True)),
    ("alpine/curl", Image(entrypoint=("curl",), ash=True)),
    ("bitnami/kubectl", Image(entrypoint=("kubectl",))),
    ("alpine/helm", Image(entrypoint=("helm",), ash=True)),
    ("hashicorp/terraform", Image(entrypoint=("terraform",), ash=True)),
    ("amazon/aws-cli", Image(entrypoint=("aws",))),
)


class Images:
    """The catalogue, with what the settings add in front."""

    def __init__(self, added: Mapping[str, Mapping[str, Any]] | None = None) -> None:
        own = tuple((pattern, _from_settings(pattern, value)) for pattern, value in (added or {}).items())
        self._entries = own + _CATALOGUE
        self._found: dict[str, Image | None] = {}

    def find(self, image: str) -> Image | None:
        """Return what is known of an image: the first pattern that its name, or its name and tag, match."""
        if image not in self._found:
            self._found[image] = _first(self._entries, image)
        return self._found[image]

    def command(self, container: Mapping[str, Any]) -> list[str]:
        """Return the command of a container. Raises UserError if it names none and the image is not known."""
        command, args = list(container.get("command") or ()), list(container.get("args") or ())
        name = str(container.get("image") or "")
        image = self.find(name)
        if image is None and not command:
            raise UserError(
                f"container {container.get('name', '')!r}: image {name!r} has no entrypoint known here, and no command "
                "is given",
                hint=f"give `command`, or map the image in the settings: images: {{{name!r}: {{entrypoint: [...]}}}}",
            )
        found = (image or Image()).command(command, args)
        if not found:
            raise UserError(f"container {container.get('name', '')!r} has nothing to run", hint="give `command`")
        return found


def _first(entries: Iterable[tuple[str, Image]], image: str) -> Image | None:
    name = image.split("@", 1)[0].removeprefix("docker.io/").removeprefix("index.docker.io/").removeprefix("library/")
    head, _, tag = name.rpartition(":")
    bare = name if "/" in tag or not head else head
    tagged = name if bare != name else f"{name}:latest"
    for pattern, entry in entries:
        if fnmatch.fnmatchcase(tagged if ":" in pattern else bare, pattern):
            return entry
    return None


def _from_settings(pattern: str, value: Mapping[str, Any]) -> Image:
    known = {"entrypoint", "cmd", "ash", "path", "env", "capabilities"}
    unknown = set(value) - known
    if unknown:
        raise UserError(
            f"images: {pattern!r} has unknown field {min(unknown)!r}",
            hint=f"known are {', '.join(sorted(known))}",
        )
    lists = {key: tuple(value[key]) for key in ("entrypoint", "cmd", "path", "capabilities") if key in value}
    return Image(ash=bool(value.get("ash")), env=dict(value.get("env") or {}), **lists)
