"""How the server and the supervisor talk: one JSON object a line over a unix socket, in both directions.

Nothing is lost when a line is: what matters is in the supervisor's ledger, and a server that connects is told it all.

Server to supervisor (`op`): `hello {version}`, `start {bundle}`, `stop {name, grace}`, `result {name, end}`,
`forget {name}`, `end {grace}`.

Supervisor to server (`event`): `hello {version, pid}`, `pod {name, claim, started, end, result}` (a whole state: for
each pod after `hello`, then `synced`; for a `start` of a name already claimed; for the end of a pod), `claimed {name}`
(durable), `started {name, at}`, `progress {name, at, value}`, `kept {name}` (a result is durable), `refused {name,
reason}`.
"""

import json
import os
from typing import Any

VERSION = 1

SOCKET = "supervisor.sock"
LEDGER = "ledger"
ADDRESS_LIMIT = 100

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
    """Return the address of the supervisor's socket below a directory, short enough for the kernel's 108 bytes.

    A long directory is reached through an open descriptor, which stays open for the life of the process (Linux).
    """
    path = f"{directory}/{SOCKET}"
    if len(path.encode()) < ADDRESS_LIMIT:
        return path
    return f"/proc/self/fd/{os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)}/{SOCKET}"
