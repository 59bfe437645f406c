# Part of the lean supervisor, which does without pathlib.
# ruff: noqa: PTH108, PTH208
"""The supervisor: a small process of its own that starts pods, watches them, and keeps what became of them.

It survives the server (kill -9 too): pods go on, their ends are written to the ledger, and the next server is told.
When it dies itself, its pods die with it, and the next supervisor finds claims without an end: those pods are lost.

One thread, one selector, the standard library only. A turn of the loop reads what came, then makes all of it durable
with one commit of the ledger, then acts on what is durable: starts the claimed pods, tells the server.

Started by link.py as `main([directory, idle_seconds])`, without site-packages.
"""

import contextlib
import heapq
import os
import resource
import selectors
import signal
import socket
import sys
import time
from collections.abc import Callable

from eventflow.clock import Clock, SystemClock
from eventflow.failpoints import failpoint
from eventflow.runtimes.process import cgroups, leftovers, orphans, protocol
from eventflow.runtimes.process.child import Child
from eventflow.runtimes.process.client import Client
from eventflow.runtimes.process.execution import Execution
from eventflow.runtimes.process.ledger import Entry, Ledger, Locked, Value
from eventflow.runtimes.process.parking import Parking

_PROGRESS_EVERY = 1.0
_RETRY_COMMIT = 1.0
_FILES = 65_536
_TERM_GRACE = 10.0
_BUSY = os.cpu_count() or 1


class Due:
    """A call that is due later."""

    __slots__ = ("call",)

    def __init__(self, call: Callable[[], None]) -> None:
        self.call: Callable[[], None] | None = call

    def cancel(self) -> None:
        self.call = None


class Host:
    """Runs the pods of one directory."""

    def __init__(self, directory: str, idle: float, clock: Clock) -> None:
        self.clock = clock
        self.selector: selectors.BaseSelector = selectors.DefaultSelector()
        self.null = os.open("/dev/null", os.O_RDWR | os.O_CLOEXEC)
        self.ledger = Ledger(f"{directory}/{protocol.LEDGER}")
        self.parking: Parking | None = None
        self._directory = directory
        self._idle = idle
        self._idle_since = clock.monotonic()
        self._adopts = orphans.adopt()
        self._ending = False
        self._told_to_end = False
        self._children: dict[int, Child] = {}
        self._executions: dict[str, Execution] = {}
        self._early_stops: dict[str, float] = {}
        self._clients: set[Client] = set()
        self._timers: list[tuple[float, int, Due]] = []
        self._timer_number = 0
        self._groups: cgroups.Groups | None = None
        self._listener = self._listen()
        self._wakeup = self._watch_children()

    def run(self) -> None:
        """Work until told to end, or until nobody has needed this process for a while."""
        self._lose_unfinished()
        self.later(_PROGRESS_EVERY, self._read_progress)
        while not self._over():
            for key, _ in self.selector.select(self._wait()):
                key.data(key.fd)
            if self._told_to_end and not self._ending:
                self._end_all(_TERM_GRACE)
            self._run_timers()
            while self.ledger.waiting:
                if not self._commit():
                    break
            for client in list(self._clients):
                client.flush()
            self._park()
        self.close()

    def close(self) -> None:
        """Let go of all it holds."""
        if self.parking is not None:
            self.parking.close()
        self.ledger.close()
        for key in list(self.selector.get_map().values()):
            if isinstance(key.fileobj, socket.socket):
                key.fileobj.close()
        self.selector.close()
        os.close(self.null)
        with contextlib.suppress(FileNotFoundError):
            os.unlink(f"{self._directory}/{protocol.SOCKET}")

    # What executions and children need.

    def adopt(self, pid: int, child: Child) -> None:
        self._children[pid] = child

    def later(self, delay: float, call: Callable[[], None]) -> Due:
        due = Due(call)
        self._timer_number += 1
        heapq.heappush(self._timers, (self.clock.monotonic() + delay, self._timer_number, due))
        return due

    def end_orphans(self, leader: int, env: dict[str, str]) -> None:
        if self._adopts:
            orphans.end(self._children, leader, env)
        else:
            leftovers.end_tree(leader, env)

    def groups(self) -> cgroups.Groups:
        if self._groups is None:
            self._groups = cgroups.Groups()
        return self._groups

    def pod_started(self, name: str, at: float) -> None:
        self._tell({"event": "started", "name": name, "at": at})

    def pod_ended(self, name: str, record: Value) -> None:
        self._executions.pop(name, None)
        failpoint("runtime.before-exit-record")
        self.ledger.append("end", name, record, done=lambda: self._end_durable(name))

    # What clients ask for.

    def receive(self, client: Client, message: protocol.Message) -> None:
        """Do what one message says."""
        operation = message.get("op")
        if operation == "start":
            self._start(client, message["bundle"])
        elif operation == "stop":
            self._stop(client, message["name"], message["grace"])
        elif operation == "result":
            name = message["name"]
            if name in self.ledger.entries:
                self.ledger.append("result", name, message["end"], done=lambda: self._kept(name))
        elif operation == "forget":
            if message["name"] not in self._executions and message["name"] in self.ledger.entries:
                self.ledger.forget(message["name"])
        elif operation == "hello":
            self._welcome(client, message.get("park"))
        elif operation == "end":
            self._end_all(message["grace"])

    def gone(self, client: Client) -> None:
        """Forget a client that hung up."""
        self._clients.discard(client)
        self._idle_since = self.clock.monotonic()

    def _start(self, client: Client, bundle: Value) -> None:
        name: str = bundle["name"]
        if name in self.ledger.entries:
            client.send(self._state(name, self.ledger.entries[name]))
            return
        failpoint("runtime.before-claim")
        claim = {"uid": bundle["uid"], "at": self.clock.now(), "collect": bundle.get("collect")}
        self.ledger.append(
            "claim",
            name,
            claim,
            done=lambda: self._claimed(bundle),
            failed=lambda error: self._refuse(client, name, error),
        )

    def _claimed(self, bundle: Value) -> None:
        failpoint("runtime.after-claim")
        name: str = bundle["name"]
        self._tell({"event": "claimed", "name": name})
        try:
            execution = self._executions[name] = Execution(self, bundle)
            early = self._early_stops.pop(name, None)
            if early is not None:
                execution.stop("stopped", early)
            else:
                execution.begin()
        except (KeyError, TypeError, ValueError, OSError) as error:
            said = f"the pod cannot be started: {error!r}"
            end = {"cause": "error", "error": said, "finished_at": self.clock.now(), "containers": []}
            self.pod_ended(name, end)
        failpoint("runtime.after-spawn")

    def _refuse(self, client: Client, name: str, error: OSError) -> None:
        self.ledger.drop(name)
        client.send({"event": "refused", "name": name, "reason": error.strerror or str(error)})

    def _stop(self, client: Client, name: str, grace: float) -> None:
        execution = self._executions.get(name)
        if execution is not None:
            execution.stop("stopped", grace)
        elif name in self.ledger.entries:
            if self.ledger.entries[name].end is None:  # its claim is about to become durable
                self._early_stops[name] = grace
            client.send(self._state(name, self.ledger.entries[name]))
        else:
            self.ledger.append("claim", name, {"uid": "", "at": self.clock.now(), "collect": None})
            end = {"cause": "stopped", "finished_at": self.clock.now(), "containers": []}
            self.ledger.append("end", name, end, done=lambda: self._end_durable(name))

    def _welcome(self, client: Client, park: Value | None) -> None:
        if self.parking is not None:
            self.parking.close()
        self.parking = Parking(self, park) if park is not None else None
        client.send({"event": "hello", "version": protocol.VERSION, "pid": os.getpid()})
        for name, entry in self.ledger.entries.items():
            client.send(self._state(name, entry))
        client.send({"event": "synced"})

    def _end_all(self, grace: float) -> None:
        self._ending = True
        for execution in list(self._executions.values()):
            execution.stop("stopped", grace)

    # What becomes durable.

    def _end_durable(self, name: str) -> None:
        failpoint("runtime.after-exit-record")
        entry = self.ledger.entries.get(name)
        if entry is not None:
            self._tell(self._state(name, entry))

    def _kept(self, name: str) -> None:
        self._tell({"event": "kept", "name": name})

    def _state(self, name: str, entry: Entry) -> protocol.Message:
        execution = self._executions.get(name)
        started = execution.started_at if execution is not None else 0.0
        return {
            "event": "pod",
            "name": name,
            "claim": entry.claim,
            "started": started or None,
            "end": entry.end,
            "result": entry.result,
        }

    def _commit(self) -> bool:
        try:
            self.ledger.commit()
        except OSError as error:
            print(f"ledger: {error}", file=sys.stderr, flush=True)
            self.later(_RETRY_COMMIT, lambda: None)
            return False
        return True

    def _lose_unfinished(self) -> None:
        """Close the claims of a supervisor that died: nothing of those pods is left, or will be in a moment."""
        unfinished = {name: entry for name, entry in self.ledger.entries.items() if entry.end is None}
        leftovers.end_leftovers({entry.claim.get("uid", "") for entry in unfinished.values()})
        leftovers.end_sandboxes(self._directory.rpartition("/")[0])
        for name in unfinished:
            record = {"cause": "lost", "finished_at": self.clock.now(), "containers": []}
            self.ledger.append("end", name, record)

    # The loop's own business.

    def _tell(self, message: protocol.Message) -> None:
        for client in self._clients:
            client.send(message)

    def _over(self) -> bool:
        if self._executions or self.ledger.waiting:
            return False
        if self._ending:
            return all(client.flushed for client in self._clients)
        return not self._clients and self.clock.monotonic() - self._idle_since >= self._idle

    def _wait(self) -> float:
        until = self._timers[0][0] if self._timers else self.clock.monotonic() + _PROGRESS_EVERY
        return max(0.0, until - self.clock.monotonic())

    def _run_timers(self) -> None:
        now = self.clock.monotonic()
        while self._timers and self._timers[0][0] <= now:
            due = heapq.heappop(self._timers)[2]
            if due.call is not None:
                due.call()

    def _park(self) -> None:
        """Build a sandbox ahead while little else goes on: a pod that ends soon will make room for the next."""
        if self.parking is not None and len(self._executions) <= _BUSY and not self._ending:
            self.parking.fill()

    def _read_progress(self) -> None:
        for name, execution in self._executions.items():
            value = execution.read_progress()
            if value is not None:
                self._tell({"event": "progress", "name": name, "at": self.clock.now(), "value": value})
        self.later(_PROGRESS_EVERY, self._read_progress)

    def _listen(self) -> socket.socket:
        address = protocol.socket_address(self._directory)
        with contextlib.suppress(FileNotFoundError):
            os.unlink(address)
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        listener.bind(address)
        listener.listen(16)
        listener.setblocking(False)
        self.selector.register(listener, selectors.EVENT_READ, self._accept)
        return listener

    def _accept(self, _: int) -> None:
        connection, _ = self._listener.accept()
        self._clients.add(Client(self, connection))

    def _watch_children(self) -> int:
        read, write = os.pipe()
        os.set_blocking(read, False)
        os.set_blocking(write, False)
        signal.set_wakeup_fd(write, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.signal(signal.SIGTERM, self._note_term)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        self.selector.register(read, selectors.EVENT_READ, self._reap)
        return read

    def _note_term(self, *_: object) -> None:
        self._told_to_end = True

    def _reap(self, handle: int) -> None:
        with contextlib.suppress(BlockingIOError):
            os.read(handle, 4096)
        while True:
            try:
                pid, status, usage = os.wait4(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            child = self._children.pop(pid, None)
            if child is not None:
                child.exited(status, usage)


def _allow_files() -> None:
    """Let this process have many files open: as many as the system lets (macOS may refuse what it calls allowed)."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _FILES if hard == resource.RLIM_INFINITY else min(hard, _FILES)
    while wanted > soft:
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
        except (ValueError, OSError):
            wanted //= 2
        else:
            return


def main(arguments: list[str]) -> int:
    """Run the supervisor of a directory; 3 if it already has one."""
    directory, idle = arguments
    _close_inherited()
    os.chdir("/")
    os.umask(0o022)
    _allow_files()
    deadline = time.monotonic() + 5.0
    while True:
        try:
            host = Host(directory, float(idle), SystemClock())
            break
        except Locked:  # a predecessor may be on its way out
            if time.monotonic() > deadline:
                return 3
            time.sleep(0.02)
    host.run()
    return 0


def _close_inherited() -> None:
    """Let go of descriptors that the server had not marked as its own: pods must not have them."""
    for entry in os.listdir("/dev/fd"):
        if int(entry) > 2:
            with contextlib.suppress(OSError):
                os.close(int(entry))
