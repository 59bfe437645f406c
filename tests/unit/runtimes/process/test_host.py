"""The supervisor, in this process: what it tells in which order."""

import json
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from eventflow.clock import SystemClock
from eventflow.runtimes.process.host import Host
from eventflow.runtimes.process.ledger import Ledger


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Host]:
    """A supervisor whose loop the test turns, and which leaves this process's signals and orphans alone."""
    monkeypatch.setattr(Host, "_watch_children", lambda self: 0)
    monkeypatch.setattr("eventflow.runtimes.process.orphans.adopt", lambda: False)
    made = Host(str(tmp_path), 0.0, SystemClock())
    yield made
    made.close()


class Server:
    """A server connected to it."""

    def __init__(self, host: Host, directory: Path) -> None:
        self.host = host
        self.line = socket.socket(socket.AF_UNIX)
        self.line.connect(str(directory / "supervisor.sock"))
        self.line.settimeout(5)
        self.turn()

    def turn(self) -> None:
        """Let the supervisor read what came, commit, and answer."""
        for key, _ in self.host.selector.select(0.05):
            key.data(key.fd)
        while self.host.ledger.waiting:
            self.host._commit()
        for client in list(self.host._clients):
            client.flush()

    def say(self, *messages: dict[str, Any]) -> list[dict[str, Any]]:
        """Send messages in one piece; return what is told in the turn that follows."""
        self.line.sendall(b"".join(json.dumps(message).encode() + b"\n" for message in messages))
        self.turn()
        self.line.setblocking(False)
        try:
            return [json.loads(line) for line in self.line.recv(1 << 20).splitlines()]
        except BlockingIOError:
            return []


@pytest.fixture
def server(host: Host, tmp_path: Path) -> Iterator[Server]:
    made = Server(host, tmp_path)
    yield made
    made.line.close()


def start(name: str) -> dict[str, Any]:
    """A pod that ends at once, for it could not be prepared."""
    return {
        "op": "start",
        "bundle": {"name": name, "uid": "u", "grace": 0, "containers": [], "error": "no", "collect": {}},
    }


def test_a_claim_is_told_before_the_end(server: Server) -> None:
    told = server.say(start("a"))
    assert [one["event"] for one in told] == ["claimed", "pod"]
    assert told[1]["end"]["cause"] == "error"


def test_a_name_is_claimed_once(server: Server, tmp_path: Path) -> None:
    server.say(start("a"))
    (told,) = server.say(start("a"))
    assert (told["event"], told["end"]["cause"]) == ("pod", "error")
    assert (tmp_path / "ledger").read_bytes().count(b'"claim"') == 1


def test_containers_that_wait_for_each_other_end(server: Server, tmp_path: Path) -> None:
    common = {"kind": "main", "argv": ["true"], "env": {}, "log": str(tmp_path / "log"), "log_limit": 1}
    common |= {"sandboxed": False, "keep": False}
    containers = [{"name": "a", "depends": ["b"], **common}, {"name": "b", "depends": ["a"], **common}]
    bundle = {"name": "p", "uid": "u", "grace": 0, "containers": containers, "error": None, "collect": {}}
    told = server.say({"op": "start", "bundle": bundle})
    assert [one["code"] for one in told[-1]["end"]["containers"]] == [64, 64]


def test_a_stop_right_behind_a_start_is_not_lost(server: Server) -> None:
    bundle = {"name": "a", "uid": "u", "grace": 0, "containers": [], "error": None, "collect": {}}
    told = server.say({"op": "start", "bundle": bundle}, {"op": "stop", "name": "a", "grace": 0})
    assert told[-1]["end"]["cause"] == "stopped"


def test_a_stop_of_a_pod_that_was_never_heard_of(server: Server) -> None:
    (told,) = server.say({"op": "stop", "name": "a", "grace": 0})
    assert told["end"]["cause"] == "stopped"
    (again,) = server.say({"op": "stop", "name": "a", "grace": 0})
    assert again["end"] == told["end"]


def test_a_server_that_comes_later_is_told_all(server: Server, host: Host, tmp_path: Path) -> None:
    server.say(start("a"), start("b"))
    server.say({"op": "result", "name": "a", "end": {"outcome": "Error"}}, {"op": "forget", "name": "b"})
    later = Server(host, tmp_path)
    told = later.say({"op": "hello", "version": 1})
    assert [one["event"] for one in told] == ["hello", "pod", "synced"]
    assert (told[1]["name"], told[1]["result"]) == ("a", {"outcome": "Error"})
    later.line.close()


def test_a_result_is_told_to_be_kept_when_it_is(server: Server) -> None:
    server.say(start("a"))
    assert server.say({"op": "result", "name": "a", "end": {}}) == [{"event": "kept", "name": "a"}]
    assert server.say({"op": "result", "name": "unknown", "end": {}}) == []


def test_who_talks_nonsense_is_hung_up_on_and_others_are_not(server: Server, host: Host, tmp_path: Path) -> None:
    other = Server(host, tmp_path)
    assert other.say({"op": "stop"}) == []
    assert other.line.recv(10) == b""
    assert server.say(start("a"))
    other.line.close()


def test_claims_without_an_end_are_lost(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ledger = Ledger(str(tmp_path / "ledger"))
    ledger.append("claim", "a", {"uid": "no-such-uid"})
    ledger.commit()
    ledger.close()
    monkeypatch.setattr(Host, "_watch_children", lambda self: 0)
    monkeypatch.setattr("eventflow.runtimes.process.orphans.adopt", lambda: False)
    host = Host(str(tmp_path), 0.0, SystemClock())
    host.run()
    again = Ledger(str(tmp_path / "ledger"))
    end = again.entries["a"].end
    again.close()
    assert end is not None
    assert end["cause"] == "lost"
