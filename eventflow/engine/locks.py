"""Mutexes and semaphores between workflows.

A pure queue in memory decides; the store keeps who holds what, so that a restart forgets no holder.
Source of the rules: Argo v4.1.2 workflow/sync (queue order: priority, then age of the workflow; only the front may
acquire; several locks are taken all or none).
"""

import logging
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from eventflow.engine.core import limits
from eventflow.engine.core.commands import AcquireLocks, ReleaseLocks
from eventflow.engine.core.state import ROOT
from eventflow.engine.core.stimuli import LockAwaited, LockGranted
from eventflow.errors import UserError
from eventflow.store import objects
from eventflow.store.contract import Work

if TYPE_CHECKING:
    from eventflow.engine.runner import Runner
    from eventflow.engine.service import Engine

log = logging.getLogger(__name__)


class Locks:
    """Carries out lock commands of all workflows of one engine.

    What a workflow holds is part of its own state: a node that went past its locks holds them until it is done. So a
    restart rebuilds the holders from the workflows themselves, and nothing needs to be written here.
    """

    def __init__(self, engine: "Engine") -> None:
        self._engine = engine
        self._queue = limits.Queue()
        self._runners: dict[limits.Holder, Runner] = {}

    def perform(self, runner: "Runner", command: AcquireLocks | ReleaseLocks) -> None:
        """Carry out one command."""
        holder = (runner.header.seq, command.node)
        if isinstance(command, ReleaseLocks):
            if command.node == ROOT:
                self.forget(runner.header.seq)
            else:
                self._runners.pop(holder, None)
                self._tell(self._queue.release(holder))
            return
        self._runners[holder] = runner
        self._engine.spawn(self._acquire(runner, holder, command), f"locks of {runner.header.name}")

    async def _acquire(self, runner: "Runner", holder: limits.Holder, command: AcquireLocks) -> None:
        state = runner.workflow.state
        try:
            wanted = await self._engine.store.read(lambda: _wanted(command.synchronization, state.namespace))
        except UserError as error:
            runner.post(LockAwaited(command.node, self._engine.clock.now(), "", error.message))
            return
        priority = runner.header.priority
        names = "/".join(
            (state.namespace, state.name, *([] if command.node == ROOT else [runner.workflow.nodes[command.node].id]))
        )
        request = limits.Request(holder, names, priority, state.created_at, wanted)
        if command.held:
            self._queue.adopt(request)
        else:
            self._tell(self._queue.acquire(request))

    def forget(self, workflow: int) -> None:
        """Give back everything a workflow holds or waits for."""
        for holder in [each for each in self._runners if each[0] == workflow]:
            del self._runners[holder]
            self._tell(self._queue.release(holder))

    def _tell(self, verdicts: Sequence[limits.Verdict]) -> None:
        now = self._engine.clock.now()
        for verdict in verdicts:
            runner = self._runners.get(verdict.holder)
            if runner is None:
                continue
            node = verdict.holder[1]
            if verdict.granted:
                runner.post(LockGranted(node, now))
            else:
                runner.post(LockAwaited(node, now, verdict.lock, verdict.message))

    def table(self) -> list[dict[str, Any]]:
        """Return who holds and who waits for each lock, for people."""
        return self._queue.table()


def _wanted(synchronization: Mapping[str, Any], namespace: str) -> Work[list[limits.Lock]]:
    """Return the locks of a `synchronization` block with their sizes. Raises UserError."""
    wanted: list[limits.Lock] = []
    for mutex in synchronization.get("mutexes") or ():
        own = mutex.get("namespace") or namespace
        kind = "Database/Mutex" if mutex.get("database") else "Mutex"
        wanted.append(limits.Lock(f"{own}/{kind}/{mutex.get('name', '')}", 1))
    for semaphore in synchronization.get("semaphores") or ():
        wanted += [(yield from _semaphore(semaphore, namespace))]
    return wanted


def _semaphore(semaphore: Mapping[str, Any], namespace: str) -> Work[limits.Lock]:
    own = semaphore.get("namespace") or namespace
    reference = semaphore.get("configMapKeyRef")
    if reference is None:
        key = (semaphore.get("database") or {}).get("key", "")
        found = yield from objects.get("ConfigMap", own, "eventflow-semaphores")
        size = ((found.spec_manifest.get("data") or {}) if found else {}).get(key)
        if size is None:
            raise UserError(f"semaphore limit {key!r} not found", hint="eventflow sync create sets it")
        return limits.Lock(f"{own}/Database/{key}", _size(size, key))
    name, key = reference.get("name", ""), reference.get("key", "")
    found = yield from objects.get("ConfigMap", own, name)
    data = (found.spec_manifest.get("data") or {}) if found is not None else {}
    if key not in data:
        raise UserError(f"ConfigMap {own}/{name} with key {key!r} not found", hint="apply it with the semaphore's size")
    return limits.Lock(f"{own}/ConfigMap/{name}/{key}", _size(data[key], key))


def _size(text: Any, key: str) -> int:
    try:
        return int(str(text))
    except ValueError:
        raise UserError(f"semaphore {key!r} has the size {text!r}, which is no number") from None
