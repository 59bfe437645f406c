"""A server of its own, and every verb against it."""

import stat
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest

from tests.acceptance.cli import Done, dev, run
from tests.acceptance.test_run import TEMPLATE, workflow

SENSORS = """
apiVersion: argoproj.io/v1alpha1
kind: EventSource
metadata: {name: hooks}
spec:
  webhook:
    push: {endpoint: /push, method: POST}
---
apiVersion: argoproj.io/v1alpha1
kind: Sensor
metadata: {name: greets}
spec:
  dependencies:
  - name: push
    eventSourceName: hooks
    eventName: push
    filters: {cel: "body.who != 'nobody'"}
  triggers:
  - template:
      name: greet
      argoWorkflow:
        operation: submit
        source:
          resource:
            apiVersion: argoproj.io/v1alpha1
            kind: Workflow
            metadata: {generateName: pushed-}
            spec:
              workflowTemplateRef: {name: greet}
              arguments: {parameters: [{name: who, value: nobody}]}
        parameters:
        - src: {dependencyName: push, dataKey: body.who}
          dest: spec.arguments.parameters.0.value
"""

FAILS_ONCE = """
apiVersion: argoproj.io/v1alpha1
kind: Workflow
metadata: {name: flaky}
spec:
  entrypoint: main
  arguments: {parameters: [{name: code, value: "1"}]}
  templates:
  - name: main
    dag:
      tasks:
      - {name: a, template: ok}
      - {name: b, template: exits, depends: a}
      - {name: c, template: ok, depends: b}
  - name: ok
    script: {image: alpine, command: [sh], source: "echo ok"}
  - name: exits
    script: {image: alpine, command: [sh], source: "exit {{workflow.parameters.code}}"}
"""

WAITS = """
apiVersion: argoproj.io/v1alpha1
kind: Workflow
metadata: {name: waits}
spec:
  entrypoint: main
  templates:
  - name: main
    steps:
    - - {name: approve, template: approve}
    - - name: say
        template: say
        arguments: {parameters: [{name: by, value: "{{steps.approve.outputs.parameters.by}}"}]}
  - name: approve
    suspend: {}
    outputs: {parameters: [{name: by, valueFrom: {supplied: {}}}]}
  - name: say
    inputs: {parameters: [{name: by}]}
    script: {image: alpine, command: [sh], source: "echo approved by {{inputs.parameters.by}}"}
"""


class Place:
    """A directory with a server."""

    def __init__(self, directory: Path, url: str, told: str) -> None:
        self.directory = directory
        self.url = url
        self.told = told

    def run(self, *arguments: str, stdin: str = "") -> Done:
        return run(*arguments, cwd=self.directory, server=self.url, stdin=stdin)

    def write(self, name: str, text: str) -> str:
        (self.directory / name).write_text(text)
        return name


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    directory = tmp_path_factory.mktemp("dev")
    (directory / "sensors").mkdir()
    (directory / "sensors" / "all.yaml").write_text(f"{TEMPLATE}---{SENSORS}")
    with dev(cwd=directory) as (url, told):
        yield Place(directory, url, told)


def test_dev_tells_its_address_and_endpoints(place: Place) -> None:
    assert f"{place.url}/push" in place.told
    assert "Sensor greets" in place.told
    assert "listening on" not in (place.directory / "dev.err").read_text()
    assert stat.S_IMODE((place.directory / ".eventflow").stat().st_mode) == 0o700
    with urllib.request.urlopen(place.url) as page:
        assert "default-src 'none'" in page.headers["Content-Security-Policy"]


def test_an_event_becomes_a_workflow_and_is_explained(place: Place) -> None:
    for who in ("nobody", "somebody"):
        body = orjson.dumps({"who": who})
        request = urllib.request.Request(f"{place.url}/push", body, {"Content-Type": "application/json"})
        with urllib.request.urlopen(request) as answer:
            assert answer.status == 200
    listed = orjson.loads(place.run("events", "list", "-o", "json").out)
    assert len(listed) == 2
    for _ in range(100):
        told = orjson.loads(place.run("explain", str(listed[0]["seq"]), "-o", "json").out)
        if told["workflows"]:
            break
    name = told["workflows"][0]["name"]
    assert place.run("wait", name).status == 0
    assert "hello somebody" in place.run("logs", name).out
    assert f"→ workflow {name}  Succeeded" in place.run("explain", str(listed[0]["seq"])).out
    assert place.run("delete", name).status == 0
    assert f"→ workflow {name}" in place.run("explain", str(listed[0]["seq"])).out
    refused = place.run("explain", str(listed[1]["seq"]))
    assert "default/greets" in refused.out
    assert "→ workflow" not in refused.out


def test_submit_list_get_logs_delete(place: Place) -> None:
    name = place.write("w.yaml", workflow("echo said", "name: simple"))
    assert place.run("submit", name, "--wait").out.split() == ["simple", "simple", "Succeeded"]
    again = place.run("submit", name)
    assert (again.status, "already exists" in again.err) == (2, True)
    assert "workflow/simple" in place.run("list", "-o", "name").out.split()
    shown = place.run("get", "simple")
    assert (shown.status, "✔ simple" in shown.out) == (0, True)
    assert place.run("get", "simple", "-o", "json").json["status"]["phase"] == "Succeeded"  # type: ignore[index]
    assert place.run("logs", "simple", "--no-prefix").out == "said\n"
    assert place.run("delete", "simple").status == 0
    gone = place.run("get", "simple")
    assert (gone.status, "not found" in gone.err) == (2, True)


def test_submit_from_a_template(place: Place) -> None:
    done = place.run("submit", "--from", "workflowtemplate/greet", "-p", "who=cli", "--log")
    assert done.status == 0, done.err
    assert "hello cli" in done.out


def test_retry_and_resubmit(place: Place) -> None:
    assert place.run("submit", place.write("flaky.yaml", FAILS_ONCE), "--wait").status == 1
    plan = place.run("retry", "flaky", "--dry-run").out
    assert "runs again  flaky.b" in plan
    assert "flaky.a" not in plan
    assert place.run("resubmit", "flaky", "--memoized", "-p", "code=0", "--wait").status == 0
    nodes = place.run("get", "@latest", "-o", "json").json["status"]["nodes"]  # type: ignore[index]
    assert {each["displayName"]: each["phase"] for each in nodes.values()}["a"] == "Skipped"
    assert place.run("retry", "flaky", "--wait").status == 1
    assert place.run("retry", "flaky", "-p", "code=0", "--wait").status == 0
    refused = place.run("retry", "flaky")
    assert (refused.status, "succeeded" in refused.err) == (2, True)


def test_suspended_nodes_are_set_and_resumed(place: Place) -> None:
    assert place.run("submit", place.write("waits.yaml", WAITS)).status == 0
    refused = place.run("resume", "waits")
    assert (refused.status, "'by' has not been set" in refused.err) == (2, True)
    selector = ("--node-field-selector", "displayName=approve")
    assert place.run("node", "set", "waits", *selector, "--output-parameter", "by=me").status == 0
    assert place.run("resume", "waits").status == 0
    watched = place.run("watch", "waits")
    assert (watched.status, "waits[1].say" in watched.out) == (0, True)
    assert "approved by me" in place.run("logs", "waits").out


@pytest.mark.parametrize("verb", ["stop", "terminate"])
def test_stop_and_terminate(place: Place, verb: str) -> None:
    name = place.write("long.yaml", workflow("exec sleep 60", f"name: to-{verb}"))
    assert place.run("submit", name).status == 0
    assert place.run(verb, f"to-{verb}").status == 0
    ended = place.run("wait", f"to-{verb}")
    assert (ended.status, "Failed" in ended.out) == (1, True)


def test_suspend_holds_a_workflow(place: Place) -> None:
    place.run("submit", place.write("w.yaml", WAITS.replace("name: waits", "name: held")))
    assert place.run("suspend", "held").status == 0
    assert place.run("terminate", "held").status == 0


def test_apply_and_objects(place: Place) -> None:
    name = place.write("t.yaml", TEMPLATE.replace("name: greet", "name: other"))
    assert place.run("apply", name).out == "workflowtemplate/other created\n"
    assert place.run("apply", name).out == "workflowtemplate/other unchanged\n"
    assert "other" in place.run("get", "workflowtemplates").out
    assert place.run("delete", "workflowtemplate", "other").status == 0
    bad = place.run("apply", place.write("bad.yaml", TEMPLATE.replace("entrypoint", "entrypiont")))
    assert (bad.status, "bad.yaml:5:3" in bad.err) == (2, True)
    cel = place.run("apply", place.write("cel.yaml", SENSORS.replace("!= 'nobody'", "!= ('nobody'")))
    assert (cel.status, cel.err.count("cel.yaml:"), cel.err.count("error: syntax error")) == (2, 1, 1), cel.err
    wrong = place.run("apply", place.write("w2.yaml", workflow("true")))
    assert (wrong.status, "eventflow submit" in wrong.err) == (2, True)
