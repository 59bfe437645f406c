"""`eventflow run`: no server, exit status by phase, JSON alone on standard output, errors with their place."""

from pathlib import Path

import pytest

from tests.acceptance.cli import run

HEAD = "apiVersion: argoproj.io/v1alpha1\n"


def workflow(script: str, name: str = "generateName: t-", more: str = "") -> str:
    return f"""{HEAD}kind: Workflow
metadata: {{{name}}}
spec:
  entrypoint: main
  arguments: {{parameters: [{{name: who, value: world}}]}}
{more}  templates:
  - name: main
    script: {{image: alpine, command: [sh], source: {script!r}}}
"""


TEMPLATE = f"""{HEAD}kind: WorkflowTemplate
metadata: {{name: greet}}
spec:
  entrypoint: hello
  arguments: {{parameters: [{{name: who, value: nobody}}]}}
  templates:
  - name: hello
    script:
      image: alpine
      command: [sh]
      source: echo "hello {{{{workflow.parameters.who}}}}"
"""

USES_TEMPLATE = f"""{HEAD}kind: Workflow
metadata: {{generateName: uses-}}
spec:
  workflowTemplateRef: {{name: greet}}
"""


def write(directory: Path, text: str, name: str = "w.yaml") -> str:
    (directory / name).write_text(text)
    return name


@pytest.mark.parametrize(("script", "phase", "status"), [("exit 0", "Succeeded", 0), ("exit 3", "Failed", 1)])
def test_the_exit_status_is_the_phase(tmp_path: Path, script: str, phase: str, status: int) -> None:
    done = run("run", write(tmp_path, workflow(script)), "-o", "json", cwd=tmp_path)
    assert done.status == status, done.err
    assert done.json["kind"] == "Workflow"
    assert done.json["status"]["phase"] == phase  # type: ignore[index]
    assert phase in done.err
    assert [each.name for each in tmp_path.iterdir()] == ["w.yaml"]


def test_an_error_is_status_2(tmp_path: Path) -> None:
    text = workflow("true").replace("    script:", "    inputs: {parameters: [{name: missing}]}\n    script:")
    done = run("run", write(tmp_path, text), "-o", "json", cwd=tmp_path)
    assert done.json["status"]["phase"] == "Error"  # type: ignore[index]
    assert done.status == 2


def test_parameters_and_logs(tmp_path: Path) -> None:
    name = write(tmp_path, workflow("echo hi {{workflow.parameters.who}}"))
    done = run("run", name, "-p", "who=there", "--log", cwd=tmp_path)
    assert done.status == 0
    assert "hi there" in done.out
    beside = run("run", name, "--log", "-o", "json", cwd=tmp_path)
    assert beside.json["kind"] == "Workflow"
    assert "hi world" in beside.err


def test_templates_are_loaded_with(tmp_path: Path) -> None:
    write(tmp_path, TEMPLATE, "template.yaml")
    name = write(tmp_path, USES_TEMPLATE)
    without = run("run", name, cwd=tmp_path)
    assert without.status == 2
    assert "w.yaml:5:3" in without.err
    assert "--with" in without.err
    done = run("run", name, "--with", "template.yaml", "-p", "who=you", "--log", cwd=tmp_path)
    assert (done.status, "hello you" in done.out) == (0, True)


def test_one_file_may_hold_all(tmp_path: Path) -> None:
    name = write(tmp_path, "---\n".join([TEMPLATE, USES_TEMPLATE, USES_TEMPLATE.replace("uses-", "also-")]))
    done = run("run", name, "-o", "json", cwd=tmp_path)
    assert done.json["kind"] == "List"
    assert [each["status"]["phase"] for each in done.json["items"]] == ["Succeeded"] * 2  # type: ignore[attr-defined]


@pytest.mark.parametrize("kind", ["WorkflowTemplate", "ClusterWorkflowTemplate"])
def test_a_template_is_run(tmp_path: Path, kind: str) -> None:
    done = run(
        "run", write(tmp_path, TEMPLATE.replace("kind: WorkflowTemplate", f"kind: {kind}")), "--log", cwd=tmp_path
    )
    assert done.status == 0
    assert "hello nobody" in done.out


def test_a_schedule_is_run_once(tmp_path: Path) -> None:
    text = f"""{HEAD}kind: CronWorkflow
metadata: {{name: nightly}}
spec:
  schedules: ["0 3 * * *"]
  workflowSpec:
    entrypoint: main
    templates:
    - name: main
      script: {{image: alpine, command: [sh], source: "echo night"}}
"""
    done = run("run", write(tmp_path, text), "-o", "name", cwd=tmp_path)
    assert done.status == 0
    assert done.out.startswith("workflow/nightly-")


def test_standard_input(tmp_path: Path) -> None:
    assert run("run", "-", "-o", "name", cwd=tmp_path, stdin=workflow("true", "name: given")).out == "workflow/given\n"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (workflow("true").replace("script:", "scirpt:"), ["w.yaml:9:5", 'did you mean "script"?']),
        (workflow("true").replace("entrypoint: main", "entrypoint: mian"), ["w.yaml:5:3", "mian", "main"]),
        (workflow("true", "labels: {a: b}"), ["w.yaml", "generateName"]),
        ("a: [1", ["w.yaml:2:1", "close the list"]),
        ("kind: Sensor\n", ["w.yaml:1:1", "apiVersion"]),
        ("", ["no object"]),
        ("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\n", ["w.yaml:2:7", "nothing to run"]),
    ],
)
def test_bad_input_is_told_with_its_place(tmp_path: Path, text: str, said: list[str]) -> None:
    done = run("run", write(tmp_path, text), cwd=tmp_path)
    assert done.status == 2
    assert done.out == ""
    for each in said:
        assert each in done.err


@pytest.mark.parametrize("arguments", [["run", "none.yaml"], ["run"], ["run", "w.yaml", "-p", "who"], ["rnu"]])
def test_bad_arguments_are_status_2(tmp_path: Path, arguments: list[str]) -> None:
    write(tmp_path, workflow("true"))
    assert run(*arguments, cwd=tmp_path).status == 2
