"""What lint says about workflows: each mistake is found, told where it is, and nothing else is."""

import os
import textwrap
from pathlib import Path

import pytest
import yaml

from eventflow.lint import files, linting
from eventflow.lint.findings import Finding
from eventflow.model import manifest

CONFORMANCE = Path(os.environ.get("EVENTFLOW_CONFORMANCE", Path(__file__).parents[3].parent / "shared/conformance"))
ARGO = CONFORMANCE / "argo" / "manifests"
MISTAKES = yaml.safe_load(Path(__file__).with_name("mistakes.yaml").read_text())
CORRECT = yaml.safe_load(Path(__file__).with_name("correct.yaml").read_text())

HEAD = "apiVersion: argoproj.io/v1alpha1\nkind: Workflow\nmetadata: {generateName: w-}\nspec:\n  entrypoint: main\n"
PARAMETER = "  arguments: {parameters: [{name: x, value: '1'}]}\n"
LEAVES = """\
  - name: echo
    inputs: {parameters: [{name: text}]}
    container: {image: busybox, args: ["{{inputs.parameters.text}}"]}
  - name: list
    outputs: {parameters: [{name: found, valueFrom: {path: /tmp/found}}]}
    script: {image: busybox, command: [sh], source: ls}
"""
DAG = "dag:\n  tasks:\n"


def findings(text: str, *, offline: bool = False) -> list[Finding]:
    return [each for each in linting.lint(manifest.parse(text, "f.yaml"), offline=offline) if each.severity != "info"]


def said(text: str, *, offline: bool = False) -> list[str]:
    return [f"{each.severity} {each.rule}: {each.message} | {each.hint}" for each in findings(text, offline=offline)]


def workflow(body: str) -> str:
    """Return a workflow whose main template has the given body, and the leaves below it."""
    return HEAD + PARAMETER + "  templates:\n  - name: main\n" + textwrap.indent(body, "    ") + LEAVES


@pytest.mark.parametrize("case", MISTAKES, ids=lambda case: case["says"])
def test_a_mistake_is_found(case: dict[str, str]) -> None:
    marked = workflow(case["body"])
    (finding,) = findings(marked.replace("§", ""))
    assert f"{finding.severity} {finding.rule}" == case["rule"]
    assert case["says"] in f"{finding.message} | {finding.hint}"
    if "§" in marked:
        before = marked[: marked.index("§")]
        assert (finding.location.line, finding.location.column) == (
            before.count("\n") + 1,
            len(before.rpartition("\n")[2]) + 1,
        )


@pytest.mark.parametrize("body", CORRECT)
def test_what_is_right_stays_silent(body: str) -> None:
    assert said(workflow(body)) == []


def test_the_entrypoint_must_exist() -> None:
    text = workflow("suspend: {}\n")
    (missing,) = said(text.replace("  entrypoint: main\n", ""))
    assert missing.startswith("error entrypoint: the workflow has no entrypoint")
    (unknown,) = said(text.replace(": main\n", ": man\n", 1))
    assert unknown == 'error unknown-template: there is no template "man" | did you mean "main"?'


def test_the_entrypoint_gets_its_inputs_from_the_workflow() -> None:
    text = HEAD.replace("main", "echo") + "  templates:\n" + LEAVES
    (missing,) = said(text)
    assert missing.startswith('error missing-argument: template "echo" needs the parameter "text"')
    assert said(text.replace("  templates:", "  arguments: {parameters: [{name: text}]}\n  templates:")) == []


TEMPLATE = """\
---
apiVersion: argoproj.io/v1alpha1
kind: WorkflowTemplate
metadata: {name: shared}
spec:
  entrypoint: greet
  arguments: {parameters: [{name: who}]}
  templates:
  - name: greet
    container: {image: x, args: ["{{workflow.parameters.who}}"]}
"""
CALL = "steps:\n- - {name: a, templateRef: {name: shared, template: greet}}\n"


def test_templates_of_others() -> None:
    caller = workflow(CALL)
    assert said(caller) == [
        'error unknown-template: there is no WorkflowTemplate "shared" among the files given | None'
    ]
    assert said(caller, offline=True)[0].startswith("warning unknown-template")
    (unknown,) = said(caller.replace("greet", "great") + TEMPLATE)
    assert 'there is no template "great" in WorkflowTemplate "shared"' in unknown
    (parameter,) = said(caller + TEMPLATE)
    assert 'uses the workflow parameter "who", which is not given here' in parameter
    assert said(caller.replace("{name: x,", "{name: who,") + TEMPLATE) == []


def test_a_whole_workflow_from_a_template() -> None:
    text = HEAD.replace("  entrypoint: main\n", "  workflowTemplateRef: {name: shared}\n")
    assert said(text + TEMPLATE) == []
    assert 'did you mean "shared"?' in said(text.replace("shared", "shred") + TEMPLATE)[0]
    assert 'there is no template "gret" in' in said(text + "  entrypoint: gret\n" + TEMPLATE)[0]
    both = said(text + "  templates: [{name: a, suspend: {}}]\n" + TEMPLATE)
    assert "a workflow with workflowTemplateRef has no templates of its own" in both[0]


def test_global_outputs_are_variables() -> None:
    body = (
        "steps:\n- - {name: a, template: made}\n"
        "- - {name: b, template: list, when: '{{workflow.outputs.parameters.g}} == 1'}\n"
    )
    made = (
        "  - name: made\n    container: {image: x}\n"
        "    outputs: {parameters: [{name: x, globalName: g, valueFrom: {path: /x}}]}\n"
    )
    assert said(workflow(body) + made) == []
    (unknown,) = said(workflow(body) + made.replace("globalName: g, ", ""))
    assert 'there is no variable "workflow.outputs.parameters.g"' in unknown


def test_a_long_chain_of_tasks_is_no_trouble() -> None:
    chain = "".join(f"  - {{name: t{n}, template: list, depends: t{n - 1}}}\n" for n in range(1, 2000))
    assert said(workflow(DAG + "  - {name: t0, template: list}\n" + chain)) == []
    (cycle,) = said(workflow(DAG + "  - {name: t0, template: list, depends: t1999}\n" + chain))
    assert "tasks wait for each other: t0 -> t1999 -> t1998" in cycle


def test_names_are_bounded() -> None:
    text = workflow("suspend: {}\n").replace("generateName: w-", f"name: {'w' * 64}")
    assert "the name of a Workflow has at most 63 characters, this one 64" in said(text)[0]


CRON = """\
apiVersion: argoproj.io/v1alpha1
kind: CronWorkflow
metadata: {name: c}
spec:
  schedules: ['0 9 * * *', '0 0 30 2 *']
  timezone: Europe/Berlin
  workflowSpec: {entrypoint: a, templates: [{name: a, suspend: {}}]}
"""


def test_schedules_are_read_and_their_next_times_told() -> None:
    found = linting.lint(manifest.parse(CRON, "f.yaml"), now=1730000000.0)
    assert [(each.severity, each.rule, each.location.column) for each in found] == [
        ("info", "next-runs", 15),
        ("error", "schedule", 28),
    ]
    assert found[0].message.startswith("fires next at Sun 2024-10-27 09:00:00, Mon 2024-10-28 09:00:00")
    (zone,) = said(CRON.replace("Berlin", "Berlim").replace(", '0 0 30 2 *'", ""))
    assert zone.startswith("error schedule: unknown time zone 'Europe/Berlim'")


def test_bindings_name_a_template() -> None:
    text = (
        "apiVersion: argoproj.io/v1alpha1\nkind: WorkflowEventBinding\nmetadata: {name: b}\nspec:\n"
        "  event: {selector: payload.x ==}\n  submit: {workflowTemplateRef: {name: shred}}\n"
    )
    rules = [f"{each.rule} {each.location.line}" for each in findings(text + TEMPLATE)]
    assert rules == ["expression 5", "unknown-template 6"]


def test_references_to_files_that_could_not_be_read_are_only_doubtful(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(workflow(CALL))
    (tmp_path / "b.yaml").write_text(TEMPLATE.replace("entrypoint", "entrypiont"))
    found, count = files.lint_paths([tmp_path])
    assert count == 1
    assert [(each.severity, each.rule) for each in found] == [
        ("error", "unknown-field"),
        ("warning", "unknown-template"),
    ]


@pytest.mark.skipif(not ARGO.is_dir(), reason=f"conformance data not at {CONFORMANCE}")
def test_what_argo_accepts_is_no_error_here() -> None:
    found, count = files.lint_paths([ARGO])
    assert count > 200
    assert [str(each.location) for each in found if each.severity == "error"] == []
