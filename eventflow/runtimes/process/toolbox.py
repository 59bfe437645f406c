# Paths inside pods are texts, and these are the hot paths of starting one.
# ruff: noqa: PTH113
"""A small directory of programs that pods find although the machine lacks them: python, BusyBox' sh, argosay, cowsay.

In a pod it is /.eventflow/tools: `bin` ends the PATH with what is missing, `ash` begins it for images whose `sh` is
BusyBox'. It is made anew when a runtime opens.
"""

import os
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

INSIDE = "/.eventflow/tools"
# Where macOS' package manager puts programs, on its newer machines.
_HOMEBREW = ("/opt/homebrew/bin",) if sys.platform == "darwin" else ()
STANDARD_PATH = ":".join((*_HOMEBREW, "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"))

_SOURCES = Path(__file__).parent / "tools"
_HOST_DIRECTORIES = (*_HOMEBREW, "/usr/local/bin", "/usr/bin", "/bin", "/usr/local/sbin", "/usr/sbin", "/sbin")


@dataclass(frozen=True, slots=True)
class Toolbox:
    """`directory` on the machine; `extra` are directories it refers to, to be seen in pods at the same place."""

    directory: Path
    extra: tuple[str, ...]

    def path(self, inside: str, *, ash: bool, first: tuple[str, ...] = ()) -> str:
        """Return the PATH of a container, the toolbox being at `inside`."""
        before = (*first, f"{inside}/ash") if ash else first
        return ":".join((*before, STANDARD_PATH, f"{inside}/bin"))


def build(directory: Path, python: str | None) -> Toolbox:
    """Write the toolbox. Blocking."""
    shutil.rmtree(directory, ignore_errors=True)
    programs, shells = directory / "bin", directory / "ash"
    programs.mkdir(parents=True)
    shells.mkdir()
    for name in ("argosay", "cowsay"):
        if name == "argosay" or not _on_host(name):
            _install(programs / name, _SOURCES / name)
    _install(shells / "apk", _SOURCES / "apk")
    shell = _on_host("busybox") or _on_host("bash") or "/bin/sh"
    (shells / "sh").symlink_to(shell)
    (shells / "ash").symlink_to(shell)
    return Toolbox(directory, _link_python(programs, python))


def _link_python(programs: Path, wanted: str | None) -> tuple[str, ...]:
    """Give pods `python` and `python3`; return the directories that the interpreter needs."""
    interpreter = wanted or _on_host("python3")
    extra: tuple[str, ...] = ()
    if interpreter is None:
        base = Path(sys.base_prefix)
        interpreter = str(base / "bin" / f"python{sys.version_info.major}.{sys.version_info.minor}")
        extra = (str(base),)
    elif wanted is not None and not wanted.startswith("/usr/"):
        extra = tuple(dict.fromkeys((str(Path(wanted).parent.parent), str(Path(wanted).resolve().parent.parent))))
    for name in ("python", "python3"):
        if wanted is not None or not _on_host(name):
            (programs / name).symlink_to(interpreter)
    return extra


def _on_host(name: str) -> str | None:
    """Return where the machine has a program, in directories that pods see."""
    found = (f"{directory}/{name}" for directory in _HOST_DIRECTORIES)
    return next((path for path in found if os.path.isfile(path) and os.access(path, os.X_OK)), None)


def _install(target: Path, source: Path) -> None:
    shutil.copyfile(source, target)
    target.chmod(0o755)
