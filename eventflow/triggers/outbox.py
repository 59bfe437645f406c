"""The outbox at work: doing what firings asked for and what no transaction of theirs could do.

Promises: every entry is performed at least once, or ends in the dead letters with the reason; an entry that fails
delays no other. Survives kill -9 at any point: what was under way is claimed again, and receivers tell a repetition by
the firing's id.

An entry's payload is JSON: `action` (the plan, null when it could not be made), `events` (positions in the log by
dependency, to plan again), `retry` (a `Backoff`), `namespace`, `at`, and `dlq`, a payload of the same form with `kind`,
which becomes an entry when this one is given up.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import Any

import orjson

from eventflow.clock import Clock
from eventflow.errors import EventflowError, PermanentError, TemporaryError
from eventflow.failpoints import failpoint
from eventflow.store import firings, outbox
from eventflow.store.contract import LostClaim, Store, Work
from eventflow.store.outbox import Entry
from eventflow.store.workflows import Header
from eventflow.telemetry.metrics import Metrics
from eventflow.triggers.backoff import Backoff
from eventflow.triggers.contract import Action, Done, Firing, Triggers

AT_ONCE = 32
LEASE = 300.0
IDLE = 5.0

log = logging.getLogger(__name__)

Replan = Callable[[Entry, Mapping[str, Any]], Awaitable[Action]]


class Outbox:
    """Performs the entries of the store's outbox. `run` it as a task; `wake` it when there are new ones.

    `started` is told of workflows to be run; `replan` makes the plan of an entry whose first plan failed. `alone` says
    that no other process works on this store, so that what is leased now is left over from a crash.
    """

    def __init__(
        self,
        store: Store,
        clock: Clock,
        triggers: Triggers,
        started: Callable[[Header], Awaitable[None]],
        replan: Replan,
        metrics: Metrics,
        *,
        owner: str = "local",
        alone: bool = True,
    ) -> None:
        self._store = store
        self._clock = clock
        self._triggers = triggers
        self._started = started
        self._replan = replan
        self._metrics = metrics
        self._owner = owner
        self._leftover = alone
        self._awake = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()

    def wake(self) -> None:
        """Look for entries now."""
        self._awake.set()

    async def run(self) -> None:
        """Perform entries until cancelled; what is under way then is finished first."""
        try:
            while True:
                self._awake.clear()
                if not await self._claim():
                    await self._idle()
        finally:
            if self._tasks:
                await asyncio.wait(self._tasks)

    async def _claim(self) -> int:
        room = AT_ONCE - len(self._tasks)
        if room <= 0:
            return 0
        now = self._clock.now()
        try:
            if self._leftover:
                await self._store.write(lambda: outbox.release(now))
                self._leftover = False
            entries = await self._store.write(lambda: outbox.claim(self._owner, room, now, LEASE))
        except TemporaryError as error:
            log.warning("the outbox waits: %s", error)
            return 0
        for entry in entries:
            task = asyncio.get_running_loop().create_task(self._attend(entry), name=f"outbox {entry.id}")
            self._tasks.add(task)
            task.add_done_callback(self._ended)
        return len(entries)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        self._awake.set()
        if not task.cancelled() and task.exception() is not None:
            log.error("%s failed", task.get_name(), exc_info=task.exception())

    async def _idle(self) -> None:
        wait = IDLE
        if len(self._tasks) < AT_ONCE:
            with suppress(TemporaryError):
                due = await self._store.read(outbox.next_due)
                wait = IDLE if due is None else min(IDLE, max(0.01, due - self._clock.now()))
        with suppress(TimeoutError):  # not wait_for: before Python 3.12 it swallows a cancellation that meets a wake-up
            async with asyncio.timeout(wait):
                await self._awake.wait()

    async def _attend(self, entry: Entry) -> None:
        payload = orjson.loads(entry.payload)
        started = self._clock.monotonic()
        try:
            done = await self._perform(entry, payload)
        except LostClaim:
            return
        except (EventflowError, asyncio.CancelledError) as error:
            await self._failed(entry, payload, error)
        except Exception as error:
            log.exception("trigger %s of sensor %s failed", entry.trigger, entry.sensor)
            await self._failed(entry, payload, error)
        else:
            labels = labels_of(entry)
            self._metrics.actions(*labels).inc()
            self._metrics.action_milliseconds(*labels).observe((self._clock.monotonic() - started) * 1000)
            if done.started is not None:
                await self._started(done.started)

    async def _perform(self, entry: Entry, payload: Mapping[str, Any]) -> Done:
        trigger = self._triggers.of(entry.kind)
        action = payload["action"]
        if action is None:
            action = await self._replan(entry, payload)
        firing = Firing(entry.firing, entry.sensor, entry.trigger, payload["namespace"], payload["at"])
        if trigger.enact(action, firing) is not None:
            return await self._store.write(lambda: self._enact(entry, action, firing))
        failpoint("outbox.before-perform")
        done = await trigger.perform(action, firing)
        failpoint("outbox.after-perform")
        now = self._clock.now()
        await self._store.write(lambda: _finish(entry, done, now))
        return done

    def _enact(self, entry: Entry, action: Action, firing: Firing) -> Work[Done]:
        work = self._triggers.of(entry.kind).enact(action, firing)
        assert work is not None
        done = yield from work
        yield from _finish(entry, done, self._clock.now())
        return done

    async def _failed(self, entry: Entry, payload: Mapping[str, Any], error: BaseException) -> None:
        """Have an entry tried again or given up."""
        self._metrics.actions_failed(*labels_of(entry)).inc()
        text = str(error) if isinstance(error, EventflowError) else repr(error)
        now = self._clock.now()
        final = isinstance(error, PermanentError)
        wait = None if final else Backoff(**payload["retry"]).wait(entry.tries, entry.id)
        if isinstance(error, TemporaryError) and wait is not None:
            wait = max(wait, error.retry_after)
        with suppress(LostClaim):
            if wait is not None:
                at = now + wait
                await self._store.write(lambda: outbox.retry(entry, at, text))
            else:
                log.error("trigger %s of sensor %s is given up: %s", entry.trigger, entry.sensor, text)
                await self._store.write(lambda: bury(entry, payload, text, now))
                self._metrics.actions_given_up(*labels_of(entry)).inc()
                self.wake()


def labels_of(entry: Entry) -> tuple[str, str, str]:
    """Return namespace, sensor and trigger, as metrics have them."""
    namespace, _, sensor = entry.sensor.partition("/")
    return namespace, sensor, entry.trigger


def _finish(entry: Entry, done: Done, now: float) -> Work[None]:
    yield from outbox.done(entry, now)
    if entry.id == entry.firing:
        yield from firings.complete(entry.firing, done.outcome, done.detail, now)


def bury(entry: Entry, payload: Mapping[str, Any], text: str, now: float) -> Work[None]:
    """Give an entry up, and post its `dlq` if it has one. Its firing stays open, because the entry may be redriven."""
    yield from outbox.bury(entry, text, now)
    after = payload.get("dlq")
    if after:
        body = orjson.dumps(after)
        yield from outbox.put(
            Entry(f"{entry.id}/dlq", entry.firing, entry.sensor, entry.trigger, after["kind"], body), now
        )
