"""Running the git command, and telling the network's faults from those that repeating cannot mend."""

import asyncio
import os
import re
import signal
from collections.abc import Mapping, Sequence
from contextlib import suppress

from eventflow.errors import EventflowError, PermanentError, TemporaryError

TIMEOUT = 1800.0
"""Seconds for one git command."""

_TEMPORARY = re.compile(
    r"could not resolve host|temporary failure in name resolution|connection (timed out|refused|reset|closed)"
    r"|failed to connect|operation timed out|early eof|rpc failed|unexpected disconnect|returned error: (429|5\d\d)"
    r"|the remote end hung up unexpectedly|gnutls|ssl_error_syscall|empty reply from server",
    re.IGNORECASE,
)
_FINAL = re.compile(r"returned error: 4(0\d|[13]\d)|authentication failed|permission denied|not found", re.IGNORECASE)


async def run(arguments: Sequence[str], environment: Mapping[str, str], what: str) -> str:
    """Run git in its own process group and return what it prints. Raises TemporaryError, PermanentError."""
    try:
        process = await asyncio.create_subprocess_exec(
            "git",
            *arguments,
            env=environment,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            start_new_session=True,
        )
    except FileNotFoundError as error:
        raise PermanentError("git artifacts need the git command, which is not installed") from error
    try:
        out, err = await asyncio.wait_for(process.communicate(), TIMEOUT)
    except TimeoutError as error:
        raise TemporaryError(f"{what} took longer than {TIMEOUT:.0f} seconds") from error
    finally:
        if process.returncode is None:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            await process.wait()
    if process.returncode == 0:
        return out.decode(errors="replace")
    raise _failure(what, err.decode(errors="replace"))


def _failure(what: str, said: str) -> EventflowError:
    last = " ".join(said.split())[-400:]
    if _TEMPORARY.search(said) and not _FINAL.search(said):
        return TemporaryError(f"{what} failed: {last}", retry_after=2.0)
    return PermanentError(f"{what} failed: {last}")
