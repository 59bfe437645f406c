"""A runner that takes no further part answers whoever still writes to it, and rests."""

import asyncio
from types import SimpleNamespace
from typing import Any, cast

import pytest

from eventflow.engine.core.stimuli import Continued
from eventflow.engine.runner import Runner
from eventflow.errors import TemporaryError


def dropped() -> Runner:
    nothing: Any = SimpleNamespace(labels={}, name="late")
    runner = Runner(nothing, nothing, nothing)
    runner.drop()
    return runner


async def test_mail_that_comes_too_late_is_answered() -> None:
    reply: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    dropped().post(Continued(0.0), reply)
    with pytest.raises(TemporaryError, match="unloaded"):
        await reply


async def test_the_end_of_a_workflow_with_mail_left_is_the_end_of_its_work() -> None:
    """Regression: the task was started again and again, and ended at once, for there was mail for a dropped runner."""
    nothing: Any = SimpleNamespace(labels={}, name="late")
    runner = Runner(nothing, nothing, cast("Any", SimpleNamespace(awaits_start=lambda _: True)))
    reply: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    runner.post(Continued(0.0), reply)
    runner.dropped = True  # as the step that ends the workflow does while its task goes on
    with pytest.raises(TemporaryError, match="unloaded"):
        await asyncio.wait_for(reply, 5)
    await asyncio.sleep(0)
    assert [task.get_name() for task in asyncio.all_tasks() if task.get_name().startswith("workflow")] == []
