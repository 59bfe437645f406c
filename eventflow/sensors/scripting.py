"""Running jq programs and Lua scripts where they can do no harm: in a process of their own.

The process has no environment, a memory limit and no way to files, and is killed when a script takes too long; the
next script gets a new one. `Scripts` may be shared by threads; it runs one script at a time.
"""

import json
import os
import select
import subprocess
import sys
import threading
import time
from pathlib import Path
from types import TracebackType
from typing import Any

from eventflow.errors import UserError
from eventflow.sensors.decision import FilterError
from eventflow.sensors.evaluators import NOTHING, Evaluators

_WORKER = Path(__file__).with_name("script_worker.py")
_EXTRAS = {"jq": "jq", "lua": "lua"}


class Scripts:
    """A worker process, started when first needed. `timeout` is the seconds a script may take."""

    def __init__(self, timeout: float = 5.0) -> None:
        self._timeout = timeout
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> "Scripts":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def evaluators(self) -> Evaluators:
        """Return what a matcher takes."""
        return Evaluators(self.jq, self.lua)

    def jq(self, program: str, value: Any) -> Any:
        """Return the first output of a jq program for a JSON value, NOTHING when it has none. Raises FilterError."""
        return self._evaluate("jq", program, value)

    def lua(self, script: str, value: Any) -> Any:
        """Return the last result of a Lua 5.1 script that sees the JSON value as `event`, NOTHING when it has none.

        Raises FilterError: the script is wrong or fails, its result is no JSON, it takes too long or too much memory.
        """
        return self._evaluate("lua", script, value)

    def close(self) -> None:
        """End the worker process."""
        with self._lock:
            self._stop()

    def _evaluate(self, language: str, script: str, value: Any) -> Any:
        request = json.dumps({"language": language, "script": script, "value": value}).encode() + b"\n"
        with self._lock:
            answer = self._exchange(request)
        if "value" in answer:
            return answer["value"]
        if answer.get("nothing"):
            return NOTHING
        if answer["reason"] == "missing":
            extra = _EXTRAS[language]
            raise UserError(f"{language} is not installed", hint=f"pip install 'eventflow[{extra}]'")
        reason = "script" if answer["reason"] == "limit" else answer["reason"]
        raise FilterError(reason, answer["error"])

    def _exchange(self, request: bytes) -> dict[str, Any]:
        process = self._running()
        deadline = time.monotonic() + self._timeout
        try:
            line = _converse(process, request, deadline)
        except (BrokenPipeError, EOFError):
            self._stop()
            return {"error": "the script ended its process, most likely for want of memory", "reason": "limit"}
        except TimeoutError:
            self._stop()
            return {"error": f"the script takes longer than {self._timeout:g} s", "reason": "limit"}
        answer: dict[str, Any] = json.loads(line)
        return answer

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None or self._process.poll() is not None:
            self._stop()
            self._process = subprocess.Popen(
                [sys.executable, "-I", str(_WORKER)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env={},
                cwd="/",
                start_new_session=True,
            )
            assert self._process.stdin is not None
            assert self._process.stdout is not None
            os.set_blocking(self._process.stdin.fileno(), False)
            os.set_blocking(self._process.stdout.fileno(), False)
        return self._process

    def _stop(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                pipe.close()


def _converse(process: subprocess.Popen[bytes], request: bytes, deadline: float) -> bytes:
    """Write a request and read one line, both before the deadline. TimeoutError, EOFError, BrokenPipeError."""
    assert process.stdin is not None
    assert process.stdout is not None
    write, read = process.stdin.fileno(), process.stdout.fileno()
    poll = select.poll()
    poll.register(read, select.POLLIN)
    poll.register(write, select.POLLOUT)
    received: list[bytes] = []
    while True:
        left = deadline - time.monotonic()
        ready = dict(poll.poll(left * 1000)) if left > 0 else {}
        if not ready:
            raise TimeoutError
        if request and write in ready:
            request = request[os.write(write, request) :]
            if not request:
                poll.unregister(write)
        if read in ready:
            piece = os.read(read, 1 << 16)
            if not piece:
                raise EOFError
            received.append(piece)
            if piece.endswith(b"\n"):
                return b"".join(received)
