"""The second pure machine: mutexes and semaphores across workflows.

A waiter is served when it is at the front of the queue of every lock it wants and each has a free place; it then takes
them all at once, or none. Source: Argo v4.1.2 workflow/sync/semaphore.go, sync_manager.go.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

Holder = tuple[int, int]  # workflow and node


@dataclass(frozen=True, slots=True)
class Lock:
    """A lock by name, and how many may hold it."""

    name: str
    size: int


@dataclass(frozen=True, slots=True)
class Request:
    """Who wants which locks. A higher priority goes first, then the older workflow."""

    holder: Holder
    called: str
    priority: int
    created_at: float
    locks: Sequence[Lock]

    @property
    def rank(self) -> tuple[int, float, Holder]:
        """The place in the order of waiting."""
        return (-self.priority, self.created_at, self.holder)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a holder is told: granted, or which lock it waits for and why."""

    holder: Holder
    granted: bool
    lock: str = ""
    message: str = ""


@dataclass(slots=True)
class _State:
    size: int
    holders: dict[Holder, str] = field(default_factory=dict)
    waiters: dict[Holder, Request] = field(default_factory=dict)


class Queue:
    """All locks, their holders and their waiters."""

    def __init__(self) -> None:
        self._locks: dict[str, _State] = {}
        self._requests: dict[Holder, Request] = {}
        self._held: dict[Holder, Sequence[str]] = {}

    def acquire(self, request: Request) -> list[Verdict]:
        """Queue for locks; return what changed for anybody. Asking again keeps the place, and what is held."""
        if request.holder in self._held:
            return [Verdict(request.holder, True)]
        self._requests[request.holder] = request
        for lock in request.locks:
            state = self._locks.setdefault(lock.name, _State(lock.size))
            state.size = lock.size
            state.waiters[request.holder] = request
        verdicts = self._serve([lock.name for lock in request.locks])
        if not any(verdict.holder == request.holder for verdict in verdicts):
            verdicts.append(self._explain(request))
        return verdicts

    def adopt(self, request: Request) -> None:
        """Note that locks are held already, as a restored workflow's state tells."""
        self._take(request)

    def release(self, holder: Holder) -> list[Verdict]:
        """Give back what is held or waited for; return who is served by that."""
        names = list(self._held.pop(holder, ()))
        request = self._requests.pop(holder, None)
        if request is not None:
            names += [lock.name for lock in request.locks]
        for name in names:
            state = self._locks[name]
            state.holders.pop(holder, None)
            state.waiters.pop(holder, None)
        verdicts = self._serve(names)
        for name in names:
            left = self._locks.get(name)
            if left is not None and not left.holders and not left.waiters:
                del self._locks[name]
        return verdicts

    def _serve(self, names: Sequence[str]) -> list[Verdict]:
        verdicts: list[Verdict] = []
        pending = list(dict.fromkeys(names))
        while pending:
            state = self._locks.get(pending.pop(0))
            if state is None or not state.waiters:
                continue
            front = min(state.waiters.values(), key=lambda each: each.rank)
            if self._free(front):
                self._take(front)
                verdicts.append(Verdict(front.holder, True))
                pending += [lock.name for lock in front.locks]
        return verdicts

    def _free(self, request: Request) -> bool:
        for lock in request.locks:
            state = self._locks[lock.name]
            if len(state.holders) >= state.size:
                return False
            if min(each.rank for each in state.waiters.values()) != request.rank:
                return False
        return True

    def _take(self, request: Request) -> None:
        for lock in request.locks:
            state = self._locks.setdefault(lock.name, _State(lock.size))
            state.waiters.pop(request.holder, None)
            state.holders[request.holder] = request.called
        self._requests.pop(request.holder, None)
        self._held[request.holder] = [lock.name for lock in request.locks]

    def _explain(self, request: Request) -> Verdict:
        blocking = next(
            (lock for lock in request.locks if len(self._locks[lock.name].holders) >= self._locks[lock.name].size),
            request.locks[0],
        )
        state = self._locks[blocking.name]
        message = f"Waiting for {blocking.name} lock. Lock status: {state.size - len(state.holders)}/{state.size}"
        return Verdict(request.holder, False, blocking.name, message)

    def table(self) -> list[dict[str, Any]]:
        """Return each lock with its size, holders and waiters in order."""
        return [
            {
                "lock": name,
                "size": state.size,
                "holders": sorted(state.holders.values()),
                "waiters": [each.called for each in sorted(state.waiters.values(), key=lambda each: each.rank)],
            }
            for name, state in sorted(self._locks.items())
        ]
