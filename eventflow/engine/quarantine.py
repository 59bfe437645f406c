"""Quarantine: a workflow that eventflow itself cannot go on with ends as an Error, and harms nothing else."""

import logging
from typing import TYPE_CHECKING

import orjson

from eventflow.store import attempts, workflows
from eventflow.store.contract import Work
from eventflow.store.workflows import Header

if TYPE_CHECKING:
    from eventflow.engine.service import Engine

log = logging.getLogger(__name__)


async def quarantine(engine: "Engine", header: Header, error: BaseException) -> None:
    """End a workflow with what went wrong in its message; its nodes stay as they are, its pods are stopped."""
    message = f"eventflow cannot go on with this workflow: {error}"
    now = engine.clock.now()

    def work() -> Work[list[attempts.Attempt]]:
        bodies = yield from workflows.bodies(header.seq)
        changes = {"phase": "Error", "message": message, "finished_at": now}
        if bodies is not None:
            state = orjson.dumps(orjson.loads(bodies.state) | changes)
            yield from workflows.update(header.seq, {**changes, "state": state})
        return (yield from attempts.unfinished(header.seq))

    for attempt in await engine.store.write(work):
        if engine.runtime is not None:
            engine.spawn(engine.runtime.stop(attempt.pod, grace=engine.settings.grace), f"stop {attempt.pod}")
    log.error("workflow %s is given up: %s", header.name, message)
    engine.tell_end(header, "Error")
