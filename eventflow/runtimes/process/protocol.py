# Part of the lean supervisor, which does without pathlib.
# ruff: noqa: PTH102, PTH112
"""How the server and the supervisor talk: one JSON object a line over a unix socket, in both directions.

Nothing is lost when a line is: what matters is in the supervisor's ledger, and a server that connects is told it all.

Server to supervisor (`op`): `hello {version, park}`, `start {bundle}`, `stop {name, grace}`, `result {name, end}`,
`forget {name}`, `end {grace}`.

Supervisor to server (`event`): `hello {version, pid}`, `pod {name, claim, started, end, result}` (a whole state: for
each pod after `hello`, then `synced`; for a `start` of a name already claimed; for the end of a pod), `claimed {name}`
(durable), `started {name, at}`, `progress {name, at, value}`, `kept {name}` (a result is durable), `refused {name,
reason}`.
"""

import contextlib
import json
import os
import stat
import zlib
from typing import Any

VERSION = 1

SOCKET = "supervisor.sock"
LEDGER = "ledger"
ADDRESS_LIMIT = 100

_SOCKETS = "/tmp/eventflow"  # noqa: S108 - owner and mode are looked at

Message = dict[str, Any]


def encode(message: Message) -> bytes:
    """Return one line."""
    return json.dumps(message, separators=(",", ":")).encode() + b"\n"


def decode(line: bytes) -> Message:
    """Read one line. Raises ValueError."""
    message = json.loads(line)
    if not isinstance(message, dict):
        raise ValueError("a message is a JSON object")
    return message


class Lines:
    """Cuts a byte stream into lines; keeps the beginning of an unfinished one."""

    def __init__(self) -> None:
        self._rest: list[bytes] = []

    def feed(self, data: bytes) -> list[bytes]:
        """Return the lines that are now complete."""
        if b"\n" not in data:
            self._rest.append(data)
            return []
        *lines, rest = (b"".join(self._rest) + data).split(b"\n")
        self._rest = [rest] if rest else []
        return lines


def socket_address(directory: str) -> str:
    """Return the address of the supervisor's socket below a directory, short enough for the kernel's 104 or 108 bytes.

    A long directory is reached through an open descriptor, which stays open for the life of the process; on systems
    that do not name descriptors, its socket is in a directory of the user's below /tmp. Raises OSError.
    """
    path = f"{directory}/{SOCKET}"
    if len(path.encode()) < ADDRESS_LIMIT:
        return path
    if has_descriptors():
        return f"/proc/self/fd/{os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)}/{SOCKET}"
    name = os.path.realpath(directory).encode()
    return f"{_own_directory()}/{zlib.crc32(name):08x}{zlib.crc32(name[::-1]):08x}.sock"


def has_descriptors() -> bool:
    """Whether this system has /proc/self/fd."""
    return os.path.isdir("/proc/self/fd")


def _own_directory() -> str:
    """Return a directory that only this user can write to. Raises PermissionError if someone else made it."""
    path = f"{_SOCKETS}-{os.getuid()}"
    with contextlib.suppress(FileExistsError):
        os.mkdir(path, 0o700)
    found = os.lstat(path)
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or found.st_mode & 0o077:
        raise PermissionError(f"{path} belongs to someone else, or others may write to it")
    return path
