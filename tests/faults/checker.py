"""The judge: holds the observer's record against the database that the servers left behind."""

import json
import sqlite3
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.faults.objects import AFTER, KINDS, SENSORS

LOST = "its supervisor ended"


@dataclass
class Record:
    """The observer's lines, sorted out. Pods' lines keep their positions: (position, what, pod, task)."""

    intended: set[int] = field(default_factory=set)
    acknowledged: Counter[int] = field(default_factory=Counter)
    called: Counter[int] = field(default_factory=Counter)
    runs: dict[str, list[tuple[int, str, str, str]]] = field(default_factory=lambda: defaultdict(list))
    asked: dict[str, tuple[str, int]] = field(default_factory=dict)

    @classmethod
    def of(cls, lines: list[list[str]]) -> "Record":
        record = cls()
        for position, (what, *words) in enumerate(lines):
            if what == "intend":
                record.intended.add(int(words[0]))
            elif what == "acknowledged":
                record.acknowledged[int(words[0])] += 1
            elif what == "called":
                record.called[int(json.loads(" ".join(words))["number"])] += 1
            elif what in ("start", "finish", "fail"):
                pod, run, task, sensor, number = words
                record.runs[run].append((position, what, pod, task))
                record.asked[run] = (sensor, int(number))
        return record


class Database:
    """What a data directory's database holds. Open it when no server runs."""

    def __init__(self, path: Path) -> None:
        with closing(sqlite3.connect(path)) as connection:
            self.integrity = connection.execute("PRAGMA integrity_check").fetchone()[0]
            self.events = [json.loads(_body(row[0])) for row in connection.execute("SELECT data FROM events")]
            self.deliveries = connection.execute("SELECT event, sensor, outcome, error FROM deliveries").fetchall()
            self.firings = connection.execute("SELECT id, sensor, trigger_name, outcome FROM firings").fetchall()
            self.outbox = connection.execute("SELECT id, state, error FROM outbox").fetchall()
            columns = "seq, name, phase, message, finished_at, firing"
            self.workflows = connection.execute(f"SELECT {columns} FROM workflows").fetchall()
            self.nodes: dict[int, list[dict[str, Any]]] = defaultdict(list)
            for workflow, data in connection.execute("SELECT workflow, data FROM nodes ORDER BY workflow, ordinal"):
                self.nodes[workflow].append(json.loads(data))
            self.attempts = connection.execute("SELECT workflow, pod, state FROM attempts").fetchall()
            self._journal: dict[int, list[str]] = defaultdict(list)
            for workflow, at, entries in connection.execute("SELECT workflow, at, entries FROM journal ORDER BY seq"):
                self._journal[workflow].append(f"{at:.3f} {entries.decode()}")

    def story(self, name: str) -> str:
        """Return what is known of a workflow: header, nodes, attempts, journal."""
        for row in self.workflows:
            if row[1] == name:
                attempts = [each for each in self.attempts if each[0] == row[0]]
                parts = [row, *self.nodes[row[0]], *attempts, *self._journal[row[0]]]
                return "\n".join(f"    {part}" for part in parts)
        return "    not stored"


def open_work(path: Path) -> int:
    """Return how many deliveries, outbox entries and workflows have not ended, while a server runs."""
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
        (count,) = connection.execute(
            "SELECT (SELECT count(*) FROM deliveries WHERE outcome = 'pending')"
            " + (SELECT count(*) FROM outbox WHERE state = 'pending')"
            " + (SELECT count(*) FROM workflows WHERE finished_at IS NULL)"
        ).fetchone()
        return int(count)


def _body(data: bytes) -> str:
    held = json.loads(data)
    body = held["body"] if isinstance(held, dict) and "body" in held else held
    return json.dumps(body)


def violations(record: Record, database: Database, *, supervisor_killed: bool) -> Iterator[str]:
    """Yield every broken promise."""
    if database.integrity != "ok":
        yield f"the database is damaged: {database.integrity}"
    yield from _events(record, database)
    yield from _decisions(database)
    yield from _workflows(record, database, supervisor_killed)
    for run in record.runs:
        yield from _run(run, record, database)
    yield from _calls(record, database)


def _events(record: Record, database: Database) -> Iterator[str]:
    stored = Counter(int(each["number"]) for each in database.events)
    for number in record.acknowledged:
        if not stored[number]:
            yield f"event {number} was acknowledged and is not stored"
    for number, times in stored.items():
        if times > 1:
            yield f"event {number} is stored {times} times"
        if number not in record.intended:
            yield f"event {number} is stored and nobody sent it"


def _decisions(database: Database) -> Iterator[str]:
    if len(database.deliveries) != len(database.events) * len(SENSORS):
        yield f"{len(database.events)} events of {len(SENSORS)} sensors have {len(database.deliveries)} deliveries"
    outcomes = Counter((sensor, outcome) for _, sensor, outcome, _ in database.deliveries)
    for sensor, kinds in SENSORS.items():
        name = next((each for _, each, _, _ in database.deliveries if each.rpartition("/")[2] == sensor), sensor)
        matching = sum(each["kind"] in kinds for each in database.events)
        wanted = {"matched": matching, "filtered": len(database.events) - matching}
        found = {outcome: count for (each, outcome), count in outcomes.items() if each == name}
        if found != {outcome: count for outcome, count in wanted.items() if count}:
            yield f"outcomes of sensor {sensor}: {found} instead of {wanted}"
    for identity, state, error in database.outbox:
        if state != "done":
            yield f"outbox entry {identity} is {state}: {error}"


def _workflows(record: Record, database: Database, supervisor_killed: bool) -> Iterator[str]:
    wanted = sum(each["kind"] in kinds for each in database.events for kinds in SENSORS.values())
    if len(database.workflows) != wanted:
        yield f"{wanted} matches made {len(database.workflows)} workflows"
    pairs = Counter(record.asked[row[1]] for row in database.workflows if row[1] in record.asked)
    for (sensor, number), times in pairs.items():
        if times != 1 or KINDS[number % len(KINDS)] not in SENSORS[sensor]:
            yield f"event {number} has {times} workflows of sensor {sensor}"
    for seq, name, phase, message, finished, _ in database.workflows:
        if not finished:
            yield f"workflow {name} has not ended: {phase} {message}\n{database.story(name)}"
        elif phase == "Error" and supervisor_killed and _lost(database.nodes[seq]):
            continue
        elif phase != "Succeeded":
            yield f"workflow {name} ended {phase}: {message}\n{database.story(name)}"
        elif name not in record.runs:
            yield f"workflow {name} ended Succeeded, and none of its pods was seen"
    names = {row[1] for row in database.workflows}
    yield from (f"pods of {run} ran, and it is not stored" for run in record.runs if run not in names)


def _lost(nodes: list[dict[str, Any]]) -> bool:
    """Whether a node says that it was lost with its supervisor."""
    return LOST in json.dumps(nodes)


def _run(run: str, record: Record, database: Database) -> Iterator[str]:
    starts: Counter[str] = Counter()
    finished: set[str] = set()
    failed = False
    row = next((each for each in database.workflows if each[1] == run), None)
    for _, what, pod, task in record.runs[run]:
        if what == "start":
            starts[pod] += 1
            if missing := [each for each in AFTER[task] if each not in finished]:
                yield f"{run}: {task} started before {missing} finished\n{database.story(run)}"
        elif what == "finish":
            if task in finished:
                yield f"{run}: {task} finished twice\n{database.story(run)}"
            if task == "c" and not failed:
                yield f"{run}: the second try of c came before the first\n{database.story(run)}"
            finished.add(task)
        else:
            failed = True
    for pod, times in starts.items():
        if times > 1:
            yield f"{run}: pod {pod} started {times} times\n{database.story(run)}"
    if row is not None and row[2] == "Succeeded":
        if finished != set(AFTER):
            yield f"{run} succeeded, and only {sorted(finished)} finished\n{database.story(run)}"
        known = {pod for workflow, pod, _ in database.attempts if workflow == row[0]}
        if set(starts) != known:
            yield f"{run}: pods {sorted(starts)} ran, attempts {sorted(known)} are stored\n{database.story(run)}"


def _calls(record: Record, database: Database) -> Iterator[str]:
    wanted = {int(each["number"]) for each in database.events if each["kind"] in SENSORS["right"]}
    if set(record.called) != wanted:
        yield f"calls differ from matches: {sorted(set(record.called) ^ wanted)}"
