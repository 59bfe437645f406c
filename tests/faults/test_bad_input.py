"""Bad input of every kind: each gets a clear answer, changes nothing, and the server goes on serving.

All against `eventflow dev`, a process of its own; what is stored is counted in its database, from outside.
"""

import contextlib
import hashlib
import hmac
import http.client
import json
import os
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.faults import dev, objects
from tests.faults.dev import Answer, Dev
from tests.faults.process import until
from tests.faults.sender import body_of, signed

SLACK = """
apiVersion: v1
kind: Secret
metadata: {name: chat}
stringData: {secret: slacksecret}
---
apiVersion: argoproj.io/v1alpha1
kind: EventSource
metadata: {name: chat}
spec:
  webhook:
    chat:
      endpoint: /chat
      method: POST
      verify: {scheme: slack, secret: {name: chat, key: secret}}
"""

SPEC: dict[str, Any] = {
    "entrypoint": "leaf",
    "templates": [{"name": "leaf", "container": {"image": "alpine", "command": ["echo"]}}],
}
CYCLE = {
    "name": "cycle",
    "dag": {
        "tasks": [
            {"name": "a", "template": "leaf", "depends": "b"},
            {"name": "b", "template": "leaf", "depends": "a"},
        ]
    },
}

Act = Callable[[Dev], Answer]

MANIFEST = "\n---\n".join([objects.manifests(1), SLACK])
BODY = body_of(3)  # of the kind that no sensor wants, so that no workflow follows
LARGE = b'"' + b"x" * (2 << 20) + b'"'


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dev]:
    with dev.running(tmp_path_factory.mktemp("bad") / "data", MANIFEST) as running:
        yield running


def send(body: bytes = BODY, *, at: float | None = None, sign: bytes | None = None, **headers: str) -> Act:
    """Return the act of sending a body with the signature of another, of another time, with more headers."""
    proof = signed("msg-bad", sign if sign is not None else body, at) | {
        name.replace("_", "-"): value for name, value in headers.items()
    }
    return lambda running: running.send("/signed", body, proof)


def apply(manifest: str) -> Act:
    return lambda running: running.apply(manifest)


def sensor(name: str, cel: str) -> str:
    return objects.SENSOR.replace("SENSOR", name).replace("FILTER", json.dumps(cel))


def aliases(levels: int) -> str:
    """Return a YAML text of a few hundred bytes that stands for 9 ** levels values."""
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, levels)]
    return "\n".join(lines)


def slack(running: Dev, age: float) -> Answer:
    """Send what Slack would have sent some seconds ago."""
    stamp = str(int(time.time() - age))
    digest = hmac.new(b"slacksecret", f"v0:{stamp}:".encode() + BODY, hashlib.sha256).hexdigest()
    proof = {"X-Slack-Request-Timestamp": stamp, "X-Slack-Signature": f"v0={digest}"}
    return running.send("/chat", BODY, proof | {"Content-Type": "application/json"})


def run(spec: Mapping[str, Any]) -> Act:
    """Return the act of submitting a workflow."""
    head = {"apiVersion": "argoproj.io/v1alpha1", "kind": "Workflow", "metadata": {"name": "bad"}}
    body = json.dumps({"workflow": {**head, "spec": spec}}).encode()
    return lambda running: running.send("/api/v1/workflows/default", body)


CASES: dict[str, tuple[Act, int, str]] = {
    "another body's signature": (send(sign=b"{}"), 401, "could not be verified"),
    "no signature": (lambda running: running.send("/signed", BODY), 401, "could not be verified"),
    "a replay, Standard Webhooks": (send(at=time.time() - 301), 401, "could not be verified"),
    "a replay, Slack": (lambda running: slack(running, 301), 401, "could not be verified"),
    "too large": (send(LARGE), 413, "larger than 1048576 bytes"),
    "too large, in chunks": (
        lambda running: running.send("/signed", iter([b"x" * 65536] * 64), signed("m", b"")),
        413,
        "larger than 1048576 bytes",
    ),
    "gzip": (send(Content_Encoding="gzip"), 415, "encoded bodies are not taken"),
    "half of a JSON text": (send(b'{"number": '), 400, "the body is not JSON"),
    "NaN": (send(b'{"number": NaN}'), 400, "the body is not JSON"),
    "deep JSON": (send(b"[" * 100_000 + b"]" * 100_000), 400, "the body is not JSON: depth limit"),
    "a YAML bomb": (apply(aliases(9)), 400, "write them out"),
    "deep YAML": (apply("[" * 20_000), 400, "nested more than 64 levels deep"),
    "half of a YAML text": (apply("kind: [Sensor"), 400, "close the list with ]"),
    "a large manifest": (lambda running: running.send("/api/v1/objects", LARGE), 413, "limits.manifestSize"),
    "CEL that is too long": (apply(sensor("bad", " || ".join(["true"] * 5000))), 400, "use several filters"),
    "CEL that is too deep": (apply(sensor("bad", "[" * 2000 + "]" * 2000 + " == []")), 400, "given.yaml:"),
    "CEL that costs too much": (
        apply(sensor("bad", "body.l.all(a, body.l.all(b, body.l.all(c, body.l.all(d, a + b + c + d >= 0))))")),
        400,
        "nest fewer macros",
    ),
    "CEL of an unknown name": (apply(sensor("bad", "bdy.kind == 'x'")), 400, "did you mean"),
    "a cyclic DAG": (
        run({**SPEC, "templates": [*SPEC["templates"], CYCLE], "entrypoint": "cycle"}),
        400,
        "cycle",
    ),
    "a task of an unknown template": (run({**SPEC, "entrypoint": "nope"}), 400, "nope"),
    "a run of an unknown template": (run({"workflowTemplateRef": {"name": "nope"}}), 404, "apply it first"),
}


@pytest.mark.parametrize("case", CASES)
def test_bad_input_is_answered_and_changes_nothing(server: Dev, case: str) -> None:
    act, status, words = CASES[case]
    before = server.rows()
    answer = act(server)
    assert answer.status == status, answer
    assert words in answer.text
    assert server.rows() == before
    goes_on(server)


def goes_on(running: Dev) -> None:
    """Check that an event is still taken, and stored."""
    before = running.rows()["events"]
    identity = f"good-{before}"
    assert running.send("/signed", BODY, signed(identity, BODY)).status == 200
    assert running.rows()["events"] == before + 1


def test_a_slack_signature_of_now_is_good(server: Dev) -> None:
    assert slack(server, 0).status == 200


@pytest.mark.parametrize(
    ("head", "answer"),
    [
        (b"POST /signed HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n", b"HTTP/1.1 408"),
        (b"POST /signed HTTP/1.1\r\nHost: x\r\nX-Slow: ", b""),
    ],
    ids=["body", "head"],
)
def test_who_trickles_is_cut_off_and_keeps_nobody_waiting(server: Dev, head: bytes, answer: bytes) -> None:
    before = server.rows()
    lines = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(50)]
    told = b""
    with contextlib.ExitStack() as stack:
        for line in lines:
            stack.enter_context(line)
            line.sendall(head)
        end = time.monotonic() + 8
        while time.monotonic() < end and (told := _trickle(lines[0])) == b"waiting":
            time.sleep(0.1)
        assert told.startswith(answer)
        assert told != b"waiting", "the connection is still open"
        assert server.rows() == before
        goes_on(server)


def _trickle(line: socket.socket) -> bytes:
    """Send one more byte; return what was answered, empty when it was hung up without a word."""
    line.settimeout(0.01)
    try:
        line.sendall(b"x")
        return line.recv(4096)
    except TimeoutError:
        return b"waiting"
    except OSError:
        return b""


@pytest.mark.parametrize(
    ("cel", "outcome"),
    [
        ("has(body.list) && body.list.all(a, body.list.all(b, a + b >= 0))", "errored"),
        ("has(body.list) && size(body.list) < 9", "filtered"),
        ("has(body.list) && double('NaN') > 1.0", "filtered"),
    ],
    ids=["too many steps", "too large to be shown", "no JSON to be shown"],
)
def test_a_hard_event_is_decided_at_once_and_so_is_the_next(server: Dev, cel: str, outcome: str) -> None:
    applied = server.apply(sensor("hard", cel))
    assert applied.status == 200, applied
    number = server.rows()["events"]
    heavy = json.dumps({"kind": "none", "number": number, "list": [1] * 200_000}).encode()
    assert server.send("/signed", heavy, signed(f"heavy-{number}", heavy)).status == 200
    goes_on(server)
    until(lambda: _decided(server, number + 2), 5, "the events to be decided")
    assert _decisions(server, number + 1) == {
        "default/hard": outcome,
        "default/left": "filtered",
        "default/right": "filtered",
    }
    assert server.send("/api/v1/objects/Sensor/hard?namespace=default", method="DELETE").status == 200


def _decided(running: Dev, seq: int) -> bool:
    return "pending" not in {**_decisions(running, seq), **_decisions(running, seq - 1)}.values()


def _decisions(running: Dev, seq: int) -> dict[str, str]:
    answer = running.send(f"/api/v1/event-log/{seq}/explain", method="GET")
    return {each["sensor"]: each["outcome"] for each in json.loads(answer.text)["decisions"]}


def test_a_second_server_on_the_same_data_is_refused_and_harms_nothing(server: Dev) -> None:
    before = server.rows()
    second = subprocess.run(dev.command(server.data), capture_output=True, text=True, timeout=30, check=False)
    assert second.returncode == 2
    assert f"in use by another eventflow (process {server.process.pid})" in second.stderr
    assert "hint: " in second.stderr
    assert "Traceback" not in second.stderr
    assert server.rows() == before
    goes_on(server)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 48 MB; skipped where this test may not mount one."""
    place = tmp_path / "disk"
    place.mkdir()
    made = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=48m", "tmpfs", str(place)], capture_output=True)
    if made.returncode:
        pytest.skip(f"no file system of a given size can be mounted here: {made.stderr.decode().strip()}")
    try:
        yield place
    finally:
        subprocess.run(["umount", "-l", str(place)], check=True)


def test_a_full_disk_is_told_to_senders_and_got_over(small_disk: Path) -> None:
    with dev.running(small_disk / "data", MANIFEST) as running:
        goes_on(running)
        ballast = small_disk / "ballast"
        _fill(ballast)
        answers = [_large_event(running, n) for n in range(40)]
        kept = [n for n, status in enumerate(answers) if status == 200]
        assert set(answers) <= {200, 503}, answers
        assert 503 in answers
        assert running.rows()["events"] == 1 + len(kept), "what was acknowledged is stored, and nothing else"
        ballast.unlink()
        until(lambda: _large_event(running, 99) == 200, 20, "events to be taken again")
        assert running.process.poll() is None


def _fill(path: Path) -> None:
    with path.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(bytes(1 << 16))


def _large_event(running: Dev, number: int) -> int:
    body = json.dumps({"kind": "none", "padding": os.urandom(100_000).hex()}).encode()
    return running.send("/signed", body, signed(f"large-{number}", body)).status


def test_a_disk_that_errs_ends_the_server_and_loses_nothing(tmp_path: Path) -> None:
    taken = 0
    with dev.running(tmp_path / "data", MANIFEST, largest_file=28 << 20) as running:
        with contextlib.suppress(OSError, http.client.HTTPException):
            while taken < 1000 and _large_event(running, taken) == 200:
                taken += 1
        assert running.process.wait(20) == os.EX_TEMPFAIL
    with dev.running(tmp_path / "data", MANIFEST) as again:
        assert again.rows()["events"] in (taken, taken + 1), "what was being stored when it ended may be there or not"
        goes_on(again)
