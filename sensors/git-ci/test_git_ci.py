"""The scenario as the README tells it: the real command line, a real push, a real small git repository."""

import hashlib
import hmac
import json
import os
import re
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent
PUSH = (HERE / "push.json").read_bytes()
SECRET = b"it-is-only-a-demo"
README = (HERE.parents[1] / "README.md").read_text()


def eventflow(*words: str, server: str = "", check: bool = True) -> str:
    """Run a command of eventflow and return what it prints."""
    environment = {**os.environ, "EVENTFLOW_SERVER": server}
    command = [sys.executable, "-m", "eventflow", *words]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=60, check=False)
    assert not check or done.returncode == 0, done.stderr
    return done.stdout


def push(server: str, body: bytes = PUSH, *, signature: str = "", delivery: str = "72d3162e") -> int:
    """Send a push as GitHub does, and return the status of the answer."""
    signature = signature or "sha256=" + hmac.new(SECRET, body, hashlib.sha256).hexdigest()
    headers = {
        "Content-Type": "application/json",
        "X-GitHub-Event": "push",
        "X-GitHub-Delivery": delivery,
        "X-Hub-Signature-256": signature,
    }
    request = urllib.request.Request(f"{server}/github", body, headers, method="POST")
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as refusal:
        return refusal.code


@pytest.fixture
def server(tmp_path: Path) -> Iterator[str]:
    """A server with the scenario's objects, on a free port; its URL."""
    command = [sys.executable, "-m", "eventflow", "dev", str(HERE), "--port", "0", "--data", str(tmp_path / "data")]
    with (tmp_path / "errors.txt").open("w") as errors:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, text=True)
    assert process.stdout is not None
    url = ""
    for line in process.stdout:
        found = re.search(r"http://127\.0\.0\.1:\d+", line)
        if found and not url:
            url = found[0]
        if url and "/github" in line:
            break
    assert url, (tmp_path / "errors.txt").read_text()
    yield url
    process.terminate()
    assert process.wait(30) == 0
    process.stdout.close()


def nodes(workflow: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Return a workflow's nodes by display name."""
    return {node["displayName"]: node for node in workflow["status"]["nodes"].values()}


def test_a_signed_push_runs_ci_once(server: str) -> None:
    assert push(server) == 200
    eventflow("wait", "@latest", server=server)
    workflow = json.loads(eventflow("get", "@latest", "-o", "json", server=server))
    tree = nodes(workflow)
    assert workflow["status"]["phase"] == "Succeeded"
    assert {name for name in tree if name.startswith("test(")} == {
        "test(0:tests/large.sh)",
        "test(1:tests/negative.sh)",
        "test(2:tests/small.sh)",
    }
    assert [tree[f"integration({number})"]["phase"] for number in range(3)] == ["Failed", "Failed", "Succeeded"]
    assert workflow["status"]["outputs"]["parameters"][0]["name"] == "digest"
    log = eventflow("logs", "@latest", server=server)
    assert "20 + 22 = 42" in log
    assert "CI of c55f613b6ec8567e262497f213a9c54725a27df6 by ada: Succeeded" in log

    assert push(server) == 200, "a redelivery is answered like the first"
    assert len(json.loads(eventflow("list", "-o", "json", server=server))["items"]) == 1


def test_what_does_not_concern_ci_starts_nothing_and_is_explained(server: str) -> None:
    other = PUSH.replace(b'"refs/heads/main"', b'"refs/heads/draft"')
    assert push(server, other, delivery="other") == 200
    assert push(server, signature="sha256=" + "0" * 64, delivery="forged") == 400  # as Argo Events answers
    explained = eventflow("explain", "@latest", server=server)
    assert "git-ci" in explained
    assert "refs/heads/draft" in explained
    assert json.loads(eventflow("list", "-o", "json", server=server))["items"] == []


def test_the_readme_shows_the_push_with_its_signature() -> None:
    assert hmac.new(SECRET, PUSH, hashlib.sha256).hexdigest() in README
