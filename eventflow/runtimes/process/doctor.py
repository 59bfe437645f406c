"""Finds out, once at start, what this machine can do for pods, and says how to get more.

The ladder: bubblewrap with a user namespace of its own; without one (root); plain processes.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from eventflow.errors import UserError
from eventflow.runtimes.process import cgroups, sandbox, toolbox
from eventflow.runtimes.process.settings import ProcessSettings

# What is to be known of pods without a sandbox, see plain.py.
PLAIN = (
    "pods run without a sandbox: the paths they declare are rewritten in their texts, they see the machine's files, "
    "nothing isolates them"
)
_INSTALL = "install bubblewrap: apt install bubblewrap (or dnf, apk, pacman -S)"
_LINUX_ONLY = "bubblewrap needs Linux: run eventflow in a Linux container or virtual machine"
_PROBE_SECONDS = 20

# What bubblewrap says where it may not do its work, and what helps.
_KNOWN = (
    ("setting up uid map: Permission denied", "AppArmor forbids user namespaces (Ubuntu 23.10 and later): load the "
     "profile bwrap-userns-restrict, or sysctl kernel.apparmor_restrict_unprivileged_userns=0"),
    ("Failed RTM_NEWADDR", "AppArmor forbids network namespaces: load the profile bwrap-userns-restrict, or set "
     "runtime.network: host"),
    ("No space left on device", "user namespaces are used up or forbidden: sysctl user.max_user_namespaces=15000"),
    ("No permissions to create", "user namespaces are forbidden: sysctl kernel.unprivileged_userns_clone=1"),
    ("Creating new namespace failed", "namespaces are forbidden here; in a container: run it with --privileged, or "
     "with --security-opt seccomp=unconfined --security-opt systempaths=unconfined"),
    ("Can't mount proc", "a container around this one hides parts of /proc: run it with "
     "--security-opt systempaths=unconfined"),
    ("Unknown option", "this bubblewrap is too old: 0.4 or later is needed"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that `eventflow doctor` shows: whether it is well, what was found, and what would help."""

    name: str
    ok: bool
    detail: str
    fix: str = ""


@dataclass(frozen=True, slots=True)
class Findings:
    """What the probe found: how to call bubblewrap, or None; and what to tell."""

    bubblewrap: sandbox.Bubblewrap | None
    checks: tuple[Check, ...]


def probe(settings: ProcessSettings, tools: toolbox.Toolbox) -> Findings:
    """Try the sandbox that the settings ask for. Blocking, some milliseconds.

    Raises UserError where `sandbox: bwrap` is demanded and does not work.
    """
    if settings.sandbox == "none":
        check = Check("sandbox", True, f"switched off: {PLAIN}")
        return Findings(None, (check, _shell(tools), _limits()))
    bubblewrap, check = _try_bubblewrap(settings, tools)
    if bubblewrap is None and settings.sandbox == "bwrap":
        raise UserError(f"the sandbox does not work: {check.detail}", hint=check.fix)
    return Findings(bubblewrap, (check, _shell(tools), _limits()))


def check(settings: ProcessSettings) -> list[Check]:
    """Return what `eventflow doctor` shows of this runtime. Blocking."""
    with tempfile.TemporaryDirectory() as directory:
        try:
            return list(probe(settings, toolbox.build(Path(directory) / "tools", settings.python)).checks)
        except UserError as error:
            return [Check("sandbox", False, error.message, error.hint or "")]


def install_hint() -> str:
    """Return how this machine gets a sandbox."""
    return _INSTALL if sys.platform == "linux" else _LINUX_ONLY


def explain(said: str) -> str:
    """Return what helps against an error of bubblewrap; empty if it is not known."""
    return next((fix for sign, fix in _KNOWN if sign in said), "")


def _try_bubblewrap(settings: ProcessSettings, tools: toolbox.Toolbox) -> tuple[sandbox.Bubblewrap | None, Check]:
    program = shutil.which("bwrap")
    if program is None:
        return None, Check("sandbox", False, f"bubblewrap (bwrap) is not installed; {PLAIN}", install_hint())
    trees = sandbox.discover(settings.trees)
    said = ""
    rungs = [(True, True), (True, False)] + ([(False, False)] if os.geteuid() == 0 else [])
    for users, nested in rungs:
        found = sandbox.Bubblewrap(program, trees, tools, users, nested, settings.network == "host")
        error = _run_once(found)
        if error is None:
            how = "own user namespace" if users else "without a user namespace: nested ones stay possible"
            return found, Check("sandbox", True, f"{program}, {how}, network {settings.network}")
        said = said or error
    detail = f"{program} fails: {said}; {PLAIN}"
    return None, Check("sandbox", False, detail, explain(said) or "see the message; report it if it looks wrong")


def _run_once(found: sandbox.Bubblewrap) -> str | None:
    """Run a sandboxed command that writes to /tmp inside; return what went wrong."""
    with tempfile.TemporaryDirectory() as directory:
        script = "echo x >/tmp/probe && test -e /proc/self && ! touch /usr/probe 2>/dev/null"
        argv = found.command(Path(directory), (), "/", sandbox.Identity(), ("/bin/sh", "-c", script))
        try:
            done = subprocess.run(argv, capture_output=True, timeout=_PROBE_SECONDS, check=False, env={})
        except (OSError, subprocess.TimeoutExpired) as error:
            return str(error)
        if done.returncode == 0 and (Path(directory) / "tmp" / "probe").exists():
            return None
        return done.stderr.decode("utf-8", "replace").strip() or f"exit code {done.returncode}"


def _shell(tools: toolbox.Toolbox) -> Check:
    """Say which shell stands in for BusyBox', which the images alpine and busybox have as sh."""
    shell = os.path.realpath(tools.directory / "ash" / "sh")
    well = "busybox" in shell
    fix = "" if well else "for scripts written for alpine: apt install busybox-static"
    return Check("shell of alpine images", True, shell, fix)


def _limits() -> Check:
    if sys.platform != "linux":
        return Check("limits", False, "this system has no control groups: resources.limits do not hold", _LINUX_ONLY)
    version = cgroups.available()
    if version:
        return Check("limits", True, f"control groups version {version}: memory and cpu of resources.limits hold")
    fix = "delegate a control group (systemd: Delegate=yes), or run as root"
    found = "no control group may be written; only memory is limited, for each process alone"
    return Check("limits", False, found, fix)
