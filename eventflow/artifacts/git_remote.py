"""How the git command may reach a remote: protocols, addresses, credentials, and nothing of the user's own setup."""

import asyncio
import os
import re
import shlex
from dataclasses import dataclass, field
from pathlib import Path

from yarl import URL

from eventflow.artifacts import git_command
from eventflow.artifacts.contract import Location
from eventflow.artifacts.environment import Environment
from eventflow.artifacts.outbound import Outbound
from eventflow.errors import PermanentError, TemporaryError

_PORTS = {"http": 80, "https": 443, "ssh": 22, "git": 9418}
_HELPER = re.compile(r"[\w+.-]+::")
_SCP = re.compile(r"^(?:(?P<user>[^/@:]+)@)?(?P<host>\[[0-9a-fA-F:]+\]|[^/:\[]+):(?!//)(?P<path>.+)$")

# Answers only a question about the repository's own host: a submodule elsewhere is told nothing.
_ASKPASS = """#!/bin/sh
case "$1" in
  *"://$EVENTFLOW_GIT_HOST'"*|*"@$EVENTFLOW_GIT_HOST'"*) ;;
  *) exit 1 ;;
esac
case "$1" in
  Username*) printf '%s\\n' "$EVENTFLOW_GIT_USERNAME" ;;
  *) printf '%s\\n' "$EVENTFLOW_GIT_PASSWORD" ;;
esac
"""


@dataclass
class Access:
    """The git command, as one artifact may use it. `pins` are `host:port:address,...` for its HTTP library."""

    outbound: Outbound
    environment: dict[str, str]
    options: list[str]
    files: bool
    ssh: list[str]
    pins: dict[str, str] = field(default_factory=dict)

    async def git(self, *arguments: str) -> str:
        """Run git with these arguments. Raises TemporaryError, PermanentError."""
        pins = [part for pin in self.pins.values() for part in ("-c", f"http.curloptResolve={pin}")]
        environment = {**self.environment, "GIT_SSH_COMMAND": shlex.join(self.ssh)}
        verb = next((word for word in arguments[0:4] if word.isalpha()), "")
        return await git_command.run([*self.options, *pins, *arguments], environment, f"git {verb}")

    async def permit(self, remote: str) -> None:
        """See that a remote may be called, and pin its addresses. Raises PermanentError."""
        scheme, host, port = parse(remote)
        if scheme == "file":
            if not self.files:
                raise PermanentError(f"the git remote {remote} is a path of the server, which is not allowed")
            return
        addresses = await _addresses(self.outbound, host, port)
        if not addresses:
            return
        if scheme == "ssh":
            self.ssh += ["-o", f"HostName={addresses[0]}", "-o", f"HostKeyAlias={host}"]
        elif scheme == "git":
            raise PermanentError(f"the git remote {remote} uses the git protocol, which cannot be guarded: use https")
        else:
            listed = ",".join(f"[{address}]" if ":" in address else address for address in addresses)
            self.pins[f"{host}:{port}"] = f"{host}:{port}:{listed}"


async def access(location: Location, environment: Environment, box: Path) -> Access:
    """Prepare git for a location; `box` is a directory for its key and helper. Raises PermanentError."""
    repo = str(location["repo"])
    secrets = environment.secrets
    name = await secrets.value(location.get("usernameSecret"))
    word = await secrets.value(location.get("passwordSecret"))
    key = await secrets.value(location.get("sshPrivateKeySecret"))
    helper = await asyncio.to_thread(_write, box / "askpass", _ASKPASS, 0o700)
    prepared = Access(
        environment.outbound,
        _environment(box, helper, repo, name, word, environment.git_files),
        _options(location),
        environment.git_files,
        _ssh(location, await asyncio.to_thread(_write, box / "key", key.rstrip() + "\n", 0o600) if key else None),
    )
    await prepared.permit(repo)
    return prepared


def _environment(box: Path, helper: Path, repo: str, name: str, word: str, files: bool) -> dict[str, str]:
    _, host, port = parse(repo)
    default = port in _PORTS.values()
    return {
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": str(box),
        "LANG": "C.UTF-8",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_ALLOW_PROTOCOL": "https:http:ssh:git" + (":file" if files else ""),
        "GIT_LFS_SKIP_SMUDGE": "1",
        "GIT_ASKPASS": str(helper),
        "EVENTFLOW_GIT_HOST": host if default else f"{host}:{port}",
        "EVENTFLOW_GIT_USERNAME": name,
        "EVENTFLOW_GIT_PASSWORD": word,
    }


def _options(location: Location) -> list[str]:
    """Redirects are not followed, as a redirect's host would be neither checked nor pinned."""
    settings = [
        "core.hooksPath=/dev/null",
        "http.followRedirects=false",
        "credential.helper=",
        "advice.detachedHead=false",
    ]
    settings += ["protocol.ext.allow=never", "safe.directory=*", "http.lowSpeedLimit=100", "http.lowSpeedTime=60"]
    if location.get("insecureSkipTLS"):
        settings.append("http.sslVerify=false")
    return [part for setting in settings for part in ("-c", setting)]


def _ssh(location: Location, key: Path | None) -> list[str]:
    command = ["ssh", "-F", "none", "-o", "BatchMode=yes", "-o", "ConnectTimeout=30"]
    if key:
        command += ["-i", str(key), "-o", "IdentitiesOnly=yes"]
    if location.get("insecureIgnoreHostKey"):
        command += ["-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null"]
    else:
        command += ["-o", "StrictHostKeyChecking=yes"]
    return command


def _write(path: Path, text: str, mode: int) -> Path:
    path.touch(mode=mode)
    path.write_text(text)
    return path


def parse(remote: str) -> tuple[str, str, int]:
    """Return the scheme, host and port of a git remote (`git help clone`, "GIT URLS"); a path has the scheme `file`.

    Raises PermanentError for schemes that eventflow does not hand to git, such as `ext::`.
    """
    if _HELPER.match(remote):
        raise PermanentError(f"the git remote {remote} asks for a helper program, which is not allowed")
    if "://" in remote:
        url = URL(remote)
        if url.scheme == "file":
            return "file", "", 0
        if url.scheme not in _PORTS or not url.host:
            raise PermanentError(f"the git remote {url.with_user(None)} is not https, http, ssh or git")
        return url.scheme, url.host, url.explicit_port or _PORTS[url.scheme]
    scp = _SCP.match(remote)
    if scp:
        return "ssh", scp["host"].strip("[]"), _PORTS["ssh"]
    return "file", "", 0


async def _addresses(outbound: Outbound, host: str, port: int) -> list[str]:
    try:
        return await outbound.addresses(host, port)
    except OSError as error:
        raise TemporaryError(f"the host {host} of a git remote cannot be resolved: {error.strerror}") from error
