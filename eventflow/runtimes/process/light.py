"""Pods that ask for nothing but the common sandbox: what they are, and how one that waits becomes them."""

import re
import shlex
from collections.abc import Mapping, Sequence
from typing import Any

from eventflow.runtimes.containers import Container
from eventflow.runtimes.process import filesystem, parking, plain, roots
from eventflow.runtimes.process.images import Image
from eventflow.runtimes.process.sandbox import Bubblewrap, Identity
from eventflow.runtimes.process.staged import Ground, Staged

_NAME = re.compile(r"^[A-Za-z_][A-Za-z0-9_]*$")

# What a shell reads, or does not let be set.
_SHELLS_OWN = frozenset(("LINENO", "OPTIND", "PPID", "PWD", "OLDPWD", "IFS", "UID", "EUID", "SHELLOPTS", "BASHOPTS"))


def is_light(staged: Staged, ground: Ground) -> bool:
    """Whether a pod, of which nothing is in place yet, needs no sandbox of its own shape."""
    if ground.bubblewrap is None or ground.settings.parked == 0 or len(staged.shape.containers) != 1:
        return False
    (one,) = staged.shape.containers
    image = ground.images.find(str(one.spec.get("image") or "")) or Image()
    special = one.mounts or staged.shape.retries or image.path or (one.spec.get("resources") or {}).get("limits")
    if special or plain.input_paths(staged.pod) or identity(one, staged, image) != Identity():
        return False
    view = staged.view(one.name)
    return not any(view.read_only(filesystem.tidy(path)) for path in plain.output_paths(staged.pod))


def prepare(staged: Staged) -> bool:
    """Give a composed light pod its launcher; False for what a shell cannot be told."""
    (one,) = staged.shape.containers
    directory = str(one.spec.get("workingDir") or "/")
    staged.launcher = _launcher(staged.environments[one.name], directory, staged.arguments[one.name])
    return staged.launcher is not None


def _launcher(env: Mapping[str, str], directory: str, argv: Sequence[str]) -> str | None:
    """Return what the waiting shell is to read."""
    if not all(_NAME.fullmatch(name) for name in env) or not _SHELLS_OWN.isdisjoint(env) or argv[0][:1] in ("", "-"):
        return None
    words = ["export", *(f"{name}={shlex.quote(value)}" for name, value in env.items()), "\n"]
    if directory != "/":
        place = shlex.quote(directory)
        words += ["mkdir", "-p", place, "&&", "cd", place, "||", "exit", "1\n"]
    words += ["exec", *map(shlex.quote, argv), f"{parking.PIPE}<&-\n"]
    text = " ".join(words)
    fits = len(text) < parking.LAUNCHER_LIMIT and len(text.encode("utf-8", "surrogateescape")) < parking.LAUNCHER_LIMIT
    return text if fits and "\0" not in text else None


def plan(ground: Ground) -> dict[str, Any] | None:
    """Return what the supervisor needs to keep sandboxes ready (see parking.Parking), None if it shall not."""
    if ground.bubblewrap is None or ground.settings.parked == 0:
        return None
    return {
        "fresh": _line(ground.bubblewrap, fresh=True),
        "again": _line(ground.bubblewrap, fresh=False),
        "env": {"PATH": ground.tools.path("", ash=False)},
        "spare": str(ground.places.spare),
        "trash": str(ground.places.trash),
        "count": ground.settings.parked,
    }


def identity(one: Container, staged: Staged, image: Image) -> Identity:
    """Return who a container is: securityContext of workflow, template and container, the inner ones winning."""
    contexts = (
        staged.pod.workflow_spec.get("securityContext") or {},
        staged.pod.template.get("securityContext") or {},
        one.spec.get("securityContext") or {},
    )
    merged: dict[str, Any] = {}
    for context in contexts:
        merged |= {key: value for key, value in context.items() if value is not None}
    return Identity(int(merged.get("runAsUser") or 0), int(merged.get("runAsGroup") or 0), image.capabilities)


def _line(bubblewrap: Bubblewrap, *, fresh: bool) -> list[str]:
    return bubblewrap.command(parking.ROOT, (), "/", Identity(), parking.WAIT, fresh=fresh)


def skeleton(bubblewrap: Bubblewrap) -> roots.Skeleton:
    """Return what a root looks like over which a sandbox was built, and in which nothing was done."""
    return roots.Skeleton(bubblewrap.directories, bubblewrap.links, bubblewrap.files)
