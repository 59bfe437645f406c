"""A campaign of kills: start the server, feed it, kill it, and again; then let it come to rest, and judge.

Every run is seeded; the same seed makes the same plan of kills, though not the same interleaving.
"""

import random
import re
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.faults.checker import Database, Record, open_work, violations
from tests.faults.observer import Observer
from tests.faults.process import ROOT, ServerProcess, sandboxes_of, until
from tests.faults.sender import Sender

_POINT = re.compile(r"""\bfailpoint\(["']([\w.-]+)["']\)""")
_QUIET = 1.0
_REST = 120.0
_REACHED = 20.0


def failpoints() -> list[str]:
    """Return the names of all failpoints in the source."""
    found = {name for path in (ROOT / "eventflow").rglob("*.py") for name in _POINT.findall(path.read_text())}
    return sorted(found)


class Campaign:
    """One data directory, from its first start to its judgement. `kills` counts by who was killed, and how."""

    def __init__(self, seed: int, server: ServerProcess, sender: Sender, observer: Observer) -> None:
        self.random = random.Random(seed)
        self.server = server
        self.sender = sender
        self.observer = observer
        self.kills: Counter[str] = Counter()
        self.hits: Counter[str] = Counter()

    # -- killing -------------------------------------------------------------------------------------------------

    def begin(self) -> None:
        """Start for the first time; the migration of an empty database is killed too."""
        self._kill_at("store.before-migration", 1)
        self.server.start()
        until(lambda: self.server.listening, _REACHED, "the first start")

    def kill_at_random(self, times: int) -> None:
        """Kill that often: mostly the server, sometimes the pod supervisor, sometimes both."""
        for _ in range(times):
            self._start()
            self.sender.send(self._events(), again=self.random.choice((0, 0, 1, 2)))
            time.sleep(self.random.choice((0.02, 0.15, 0.4, 0.6)) * self.random.random() * 2)
            victims = self.random.choices(("server", "supervisor", "both"), (8, 1, 1))[0]
            if victims != "server" and self.server.kill_supervisor():
                self.kills["supervisor"] += 1
            if victims != "supervisor" and self.server.kill():
                self.kills["server"] += 1

    def kill_at_points(self, rounds: int) -> None:
        """Kill at every failpoint, at a hit that differs from round to round."""
        for turn in range(rounds):
            for point in failpoints():
                if point != "store.before-migration":  # only an empty database passes it: see `begin`
                    self._kill_at(point, 1 + turn if turn < 2 else self.random.randint(1, 12))

    def _kill_at(self, point: str, hit: int) -> None:
        """Arm a failpoint, feed the server until somebody dies of it, and make sure that nobody is armed any more."""
        within = point.startswith("runtime.")
        self.server.kill()
        if within:
            self.kills["supervisor"] += self.server.kill_supervisor()
        self.server.start(f"{point}:{hit}")
        before = 0
        end = time.monotonic() + _REACHED
        while time.monotonic() < end:
            now = self.server.supervisor() if within else 0
            if self.server.ended is not None or (before and now != before):
                break
            before = before or now
            if self.sender.busy < 4 and point != "store.before-migration":
                self.sender.send(1, again=self.random.choice((0, 1)))
            time.sleep(0.01)
        else:
            raise AssertionError(f"failpoint {point}:{hit} was not reached within {_REACHED:.0f} s")
        self.hits[point] += 1
        self.kills[f"point in the {'supervisor' if within else 'server'}"] += 1
        self.server.kill()
        if within:
            self.server.kill_supervisor()

    def _events(self) -> int:
        """Return how many new events to send: fewer while many workflows are open."""
        return 0 if self.sender.busy > 20 else self.random.choice((0, 1, 1, 2))

    def _start(self) -> None:
        if self.server.pid == 0 or self.server.ended is not None:
            self.server.start()

    # -- resting and judging -------------------------------------------------------------------------------------

    def rest(self) -> None:
        """Let everything that was sent come to its end with nobody killed, and the server stop politely."""
        self._start()
        until(lambda: not self.sender.busy, _REST, "all events to be acknowledged")
        until(self._quiet, _REST, "deliveries, workflows and pods to come to their end")
        leftovers = self.server.supervised()
        assert not leftovers, f"the supervisor still keeps {leftovers}"
        assert not list((self.server.data / "pods").iterdir()), "directories of pods were left"
        assert self.server.stop() == 0, "the server did not stop with status 0"
        self.server.stop_supervisor()
        until(lambda: not sandboxes_of(self.server.data), 5, "the last sandbox to end")

    def _quiet(self) -> bool:
        time.sleep(0.2)
        if time.monotonic() - self.observer.at < _QUIET or self.server.supervised():
            return False
        return not open_work(self.server.data / "eventflow.db")

    def judge(self) -> list[str]:
        """Return every broken promise."""
        record = Record.of(self.observer.lines())
        database = Database(self.server.data / "eventflow.db")
        lost = any("supervisor" in victim for victim in self.kills)
        return list(violations(record, database, supervisor_killed=lost))

    def summary(self) -> str:
        """Return the campaign's numbers in a line."""
        database = Database(self.server.data / "eventflow.db")
        phases = Counter(row[2] for row in database.workflows)
        return (
            f"{sum(self.kills.values())} kills {dict(self.kills)}, {self.sender.sent} events, "
            f"{len(database.attempts)} pods, workflows {dict(phases)}, refusals {self.sender.refusals}"
        )


@contextmanager
def campaign(seed: int) -> Iterator[Campaign]:
    """Open a campaign in a directory of its own. On failure its directory is kept, and the log's end is shown."""
    print(f"seed {seed}")
    with tempfile.TemporaryDirectory(prefix="kill9-", ignore_cleanup_errors=True) as name:
        place = Path(name)
        with (
            Observer(place / "observed") as observer,
            ServerProcess(place / "data", observer.port) as server,
            Sender(server.port, observer) as sender,
        ):
            opened = Campaign(seed, server, sender, observer)
            try:
                yield opened
            except BaseException:
                print(f"kills {dict(opened.kills)}, points {dict(opened.hits)}\n{server.log[-6000:]}")
                raise
