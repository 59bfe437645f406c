"""Composes what a pod's containers run with: environment, mounts, command, and the files that belong to these.

Touches nothing: the files are only named.
"""

from collections.abc import Mapping

from eventflow.runtimes import containers, environment
from eventflow.runtimes.containers import Container
from eventflow.runtimes.environment import Rewrite
from eventflow.runtimes.process import plain, volumes
from eventflow.runtimes.process.images import Image
from eventflow.runtimes.process.staged import File, Ground, Staged
from eventflow.runtimes.process.toolbox import INSIDE
from eventflow.runtimes.process.volumes import Volume

_ARGUMENT_LIMIT = 128 << 10
_SCRIPT_MODE = 0o755


def compose(staged: Staged, ground: Ground, objects: environment.Objects, placed: Mapping[str, Volume]) -> None:
    """Fill in what depends on the objects and volumes that the pod refers to. Raises UserError."""
    shared = environment.argo(staged.pod, staged.uid)
    for one in staged.shape.containers:
        rewrite = rewriting(one, staged, ground)
        env = environment.of_container(one, staged.facts, objects, _base(one, staged, ground, shared), rewrite)
        staged.environments[one.name] = env
        staged.mounts[one.name] = volumes.mounts_of(one, placed, env) if one.mounts else []
        staged.arguments[one.name] = _arguments(one, staged, ground, rewrite)
        if env["ARGO_TEMPLATE"] == "offloaded":
            staged.files.append(File(one.name, environment.TEMPLATE_FILE, environment.template_text(staged.pod)))
        if staged.shape.script is not None and one.name == staged.main:
            text = rewrite(staged.shape.script)
            staged.files.append(File(one.name, containers.SCRIPT_PATH, text, _SCRIPT_MODE))


def rewriting(one: Container, staged: Staged, ground: Ground) -> Rewrite:
    """Return what is to be done to a container's texts: without a sandbox, its paths are elsewhere."""
    if ground.bubblewrap is not None:
        return environment.as_written
    argosay = f"{ground.tools.directory}/bin/argosay"
    return plain.relocation(staged.pod, staged.shape, one, str(staged.root(one.name)), argosay).text


def _base(one: Container, staged: Staged, ground: Ground, shared: Mapping[str, str]) -> dict[str, str]:
    image = ground.images.find(str(one.spec.get("image") or "")) or Image()
    sandboxed = ground.bubblewrap is not None
    path = ground.tools.path(INSIDE if sandboxed else str(ground.tools.directory), ash=image.ash, first=image.path)
    fixed = {"PATH": path, "HOME": "/root", "HOSTNAME": staged.pod.name, "ARGO_CONTAINER_NAME": one.name}
    if not sandboxed:
        fixed |= {"ARGO_PROGRESS_FILE": staged.progress_file}
        fixed |= plain.variables(staged.pod, one, str(staged.root(one.name)), path)
    return {**shared, **fixed, **image.env}


def _arguments(one: Container, staged: Staged, ground: Ground, rewrite: Rewrite) -> list[str]:
    """Return the command with $(NAME) replaced. What the kernel takes for too long goes to a file, as in Argo."""
    env = staged.environments[one.name]
    argv = [environment.expand(rewrite(str(word)), env) for word in ground.images.command(one.spec)]
    image = ground.images.find(str(one.spec.get("image") or ""))
    if image is not None and image.ash and argv[0] in ("/bin/sh", "/bin/ash"):
        argv[0] = "sh"
    for number, word in enumerate(argv):
        if len(word) >= _ARGUMENT_LIMIT and len(word.encode()) >= _ARGUMENT_LIMIT:
            path = f"/tmp/argo_arg_{max(0, number - 1)}.txt"  # noqa: S108 - inside the pod
            staged.files.append(File(one.name, path, word))
            argv[number] = rewrite(f"@{path}")
    return argv
