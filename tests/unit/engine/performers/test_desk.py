import asyncio
from collections.abc import Awaitable, Callable

from eventflow.engine.performers.contract import Task
from eventflow.engine.performers.desk import Desk
from eventflow.errors import TemporaryError, UserError
from eventflow.model.pod import Pod, PodEnd, PodFinished, PodLost, PodReport, PodStarted
from eventflow.runtimes import verdict

Work = Callable[[Task], Awaitable[PodEnd]]


class Performed:
    """A performer whose work is the test's."""

    def __init__(self, work: Work) -> None:
        self._work = work

    async def perform(self, task: Task) -> PodEnd:
        return await self._work(task)


def pod(name: str, deadline: float | None = None) -> Pod:
    return Pod(name, "default", "w", "uid", name, name, {"http": {"url": "http://x"}}, deadline=deadline)


class Office:
    """A desk and what it reported."""

    def __init__(self, work: Work, limit: int = 10) -> None:
        self.reports: list[PodReport] = []
        self.at = 1000.0
        self.desk = Desk(limit, self.reports.append, lambda: self.at)
        self.desk.equip({"http": Performed(work)})

    def add(self, name: str, deadline: float | None = None) -> None:
        self.desk.add(name, lambda: pod(name, deadline))

    async def until(self, count: int) -> None:
        async with asyncio.timeout(5):
            while len(self.reports) < count:
                await asyncio.sleep(0.001)

    def kinds(self) -> list[tuple[type, str]]:
        return [(type(report), report.name) for report in self.reports]


async def succeed(task: Task) -> PodEnd:
    return PodEnd("Succeeded", task.now(), result="ok")


async def forever(task: Task) -> PodEnd:
    del task
    await asyncio.Event().wait()
    raise AssertionError


async def test_a_pod_is_reported_started_and_finished_and_again_when_it_is_asked_for_again() -> None:
    office = Office(succeed)
    office.add("a")
    await office.until(2)
    assert office.kinds() == [(PodStarted, "a"), (PodFinished, "a")]
    office.add("a")
    assert office.reports[2] == office.reports[1]
    assert office.desk.forget("a")
    assert not office.desk.forget("a")
    await office.desk.close()


async def test_a_pod_that_is_at_work_is_not_begun_twice() -> None:
    office = Office(forever)
    office.add("a")
    await office.until(1)
    office.add("a")
    await asyncio.sleep(0.01)
    assert office.kinds() == [(PodStarted, "a")]
    await office.desk.close()
    assert office.kinds() == [(PodStarted, "a")], "closing is not an end"


async def test_stopping_reports_lost_whether_it_waits_or_works_and_says_nothing_of_strangers() -> None:
    office = Office(forever, limit=1)
    office.add("working")
    office.add("waiting")
    await office.until(1)
    assert office.desk.stop("waiting")
    assert office.desk.stop("working")
    assert not office.desk.stop("stranger")
    assert office.kinds()[1:] == [(PodLost, "waiting"), (PodLost, "working")]
    await office.desk.close()


async def test_a_pod_stopped_before_its_task_runs_is_never_begun() -> None:
    begun = []

    async def work(task: Task) -> PodEnd:
        begun.append(task.pod.name)
        return await succeed(task)

    office = Office(work)
    office.add("a")
    assert office.desk.stop("a")
    await asyncio.sleep(0.01)
    assert begun == []
    assert office.kinds() == [(PodLost, "a")]
    await office.desk.close()


async def test_the_limit_counts_those_that_work_and_not_those_that_wait() -> None:
    async def work(task: Task) -> PodEnd:
        if task.pod.name.startswith("rest"):
            task.rest()
        return await forever(task)

    office = Office(work, limit=2)
    for name in ("rest-1", "rest-2", "rest-3", "work-1", "work-2", "work-3"):
        office.add(name)
    await office.until(5)
    await asyncio.sleep(0.01)
    assert [name for _, name in office.kinds()] == ["rest-1", "rest-2", "rest-3", "work-1", "work-2"]
    office.desk.stop("work-1")
    office.desk.forget("work-1")
    await office.until(7)
    assert office.kinds()[-1] == (PodStarted, "work-3")
    await office.desk.close()


async def test_a_deadline_that_passes_ends_the_pod_as_a_pods_would() -> None:
    office = Office(forever)
    office.add("a", deadline=office.at + 0.01)
    office.add("late", deadline=office.at - 5)
    await office.until(4)
    ends = [report.end for report in office.reports if isinstance(report, PodFinished)]
    assert [(end.outcome, end.message) for end in ends] == [("Failed", verdict.DEADLINE)] * 2
    await office.desk.close()


async def test_errors_of_users_and_defects_end_the_node_and_temporary_ones_are_tried_again() -> None:
    tried: list[str] = []

    async def work(task: Task) -> PodEnd:
        tried.append(task.pod.name)
        if task.pod.name == "user":
            raise UserError("no such thing", hint="try another")
        if task.pod.name == "defect":
            raise RuntimeError("oh")
        if tried.count("later") < 3:
            raise TemporaryError("busy", retry_after=0.001)
        return await succeed(task)

    office = Office(work)
    for name in ("user", "defect", "later"):
        office.add(name)
    await office.until(6)
    ends = {report.name: report.end for report in office.reports if isinstance(report, PodFinished)}
    assert (ends["user"].outcome, ends["user"].message) == ("Error", "no such thing")
    assert (ends["defect"].outcome, "oh" in ends["defect"].message) == ("Error", True)
    assert (ends["later"].outcome, tried.count("later")) == ("Succeeded", 3)
    await office.desk.close()
