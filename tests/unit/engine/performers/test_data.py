import json
from collections.abc import AsyncIterator, Mapping
from typing import Any

import pytest

from eventflow.artifacts.contract import Absent, Entry
from eventflow.engine.performers.contract import Task
from eventflow.engine.performers.data import DataPerformer
from eventflow.errors import TemporaryError
from eventflow.model.pod import Pod, PodEnd

PATHS = ("one/main.log", "two/main.log", "two/other.txt")


class Listed:
    """A listing of PATHS below the key `logs`; other keys fail."""

    async def entries(self, artifact: Mapping[str, Any]) -> AsyncIterator[Entry]:
        key = artifact["s3"]["key"]
        if key == "busy":
            raise TemporaryError("slow down")
        if key != "logs":
            raise Absent(f"no artifact has the key {key}")
        for path in PATHS:
            yield Entry(path, 1)


async def perform(source: Mapping[str, Any], *expressions: str) -> PodEnd:
    template = {"source": source, "transformation": [{"expression": each} for each in expressions]}
    pod = Pod("p", "default", "w", "uid", "p", "p", {"data": template}, capture_result=True)
    return await DataPerformer(lambda _: Listed()).perform(Task(pod, lambda: 5.0, lambda: None))


def below(key: str) -> Mapping[str, Any]:
    return {"artifactPaths": {"name": "bucket", "s3": {"bucket": "b", "key": key}}}


@pytest.mark.parametrize(
    ("expressions", "result"),
    [
        ((), [f"logs/{path}" for path in PATHS]),
        (('filter(data, {# endsWith "main.log"})',), ["logs/one/main.log", "logs/two/main.log"]),
        (('filter(data, {# endsWith "main.log"})', "map(data, {upper(#)})", "data[0]"), "LOGS/ONE/MAIN.LOG"),
        (("len(data)",), 3),
    ],
)
async def test_keys_are_listed_and_transformed_step_by_step(expressions: tuple[str, ...], result: object) -> None:
    end = await perform(below("logs"), *expressions)
    assert (end.outcome, end.exit_code) == ("Succeeded", 0)
    assert end.result is not None
    assert json.loads(end.result) == result


@pytest.mark.parametrize(
    ("source", "expressions", "said"),
    [
        (below("logs"), ("len(data)", "nope(data)"), "data step 1"),
        (below("logs"), ('jsonpath(data, "$")',), "data step 0"),
        (below("elsewhere"), (), "no artifact has the key elsewhere"),
        ({"artifactPaths": {"name": "bucket", "s3": {"bucket": "b"}}}, (), "no key"),
        ({}, (), "no valid source"),
    ],
)
async def test_what_cannot_be_done_fails_and_says_why(
    source: Mapping[str, Any], expressions: tuple[str, ...], said: str
) -> None:
    end = await perform(source, *expressions)
    assert (end.outcome, end.exit_code) == ("Failed", 64)
    assert said in end.message


async def test_a_store_that_is_busy_is_left_to_whoever_tries_again() -> None:
    with pytest.raises(TemporaryError):
        await perform(below("busy"))
