"""Manifests: what is accepted, what it becomes, and how mistakes are told."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from eventflow.errors import Location
from eventflow.model import manifest, manifest_files
from eventflow.model.problems import ManifestError

CONFORMANCE = Path(os.environ.get("EVENTFLOW_CONFORMANCE", Path(__file__).parents[3].parent / "shared/conformance"))
ARGO = CONFORMANCE / "argo" / "manifests"

WORKFLOW = """\
apiVersion: argoproj.io/v1alpha1
kind: Workflow
metadata: {generateName: w-}
spec:
  entrypoint: main
  templates:
  - name: main
"""
SENSOR = """\
apiVersion: argoproj.io/v1alpha1
kind: Sensor
metadata: {name: s}
spec:
  dependencies:
  - {name: d, eventSourceName: e, eventName: new, filters: {cel: "data.x > 1"}}
  triggers:
  - template:
      name: t
"""


def problems(text: str) -> list[str]:
    with pytest.raises(ManifestError) as caught:
        manifest.parse(text, "f.yaml")
    return [str(problem) for problem in caught.value.problems]


def only(text: str) -> manifest.Resource:
    (resource,) = manifest.parse(text, "f.yaml")
    return resource


def test_all_problems_of_a_file_are_told_with_their_places() -> None:
    text = WORKFLOW.replace("entrypoint", "entrypiont") + (
        "    container: {imagee: x, args: [1]}\n    retryStrategy: {limit: true}\n---\nkind: Sensr\napiVersion: v1\n"
    )
    assert problems(text) == [
        'f.yaml:5:3: unknown field "entrypiont" (did you mean "entrypoint"?)',
        'f.yaml:8:17: unknown field "imagee" (did you mean "image"?)',
        'f.yaml:8:35: "args[0]" must be text, not 1 (quote it: "1")',
        'f.yaml:9:28: "limit" must be a whole number or text, not true',
        'f.yaml:11:7: unknown kind "Sensr" (did you mean "Sensor"?)',
    ]


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("    container: {retryStrategy: {limit: 1}}", 'it belongs to "templates"'),
        ("    retryPolicy: Always", 'it belongs inside "retryStrategy"'),
        ("    retryStrategy: {retryPolicy: Allways}", 'did you mean "Always"?'),
        ("    steps:\n    - name: a\n      template: b", 'steps is a list of lists: begin the item with "- - "'),
        ("    container: busybox", "\"container\" must be a mapping, not 'busybox'"),
        ("    dag: {tasks: [{template: x}]}", '"name" is missing'),
        ("    dag: {}", 'f.yaml:8:10: "tasks" is missing'),
        ("    plugin: {a: {}, b: {}}", '"plugin"'),
        ('    parallelism: "3"', "remove the quotes"),
        ("    inputs: {parameters: [{name: a, value: {b: c}}]}", '"value" must be text, not a mapping'),
        ("    resource: {action: creat, manifest: x}", 'did you mean "create"?'),
        ("    container: {volumeMounts: [{name: a, mountpath: /x}]}", 'did you mean "mountPath"?'),
        ("    volumes: [{name: a, emptydir: {}}]", 'did you mean "emptyDir"?'),
        ("    container: {env: [{name: A, value: 5}]}", 'quote it: "5"'),
        ("    dag: {tasks: [{name: a, needs: [b]}]}", 'use "dependencies"'),
    ],
)
def test_mistakes_get_a_hint(line: str, says: str) -> None:
    assert any(says in problem for problem in problems(WORKFLOW + line + "\n"))


def test_the_plain_tree_has_text_for_parameter_values_and_no_nulls() -> None:
    text = WORKFLOW + (
        "    inputs:\n      parameters:\n      - {name: a, value: 1.50, default: null, enum: [1, true, x]}\n"
        "      - {name: e, value: []}\n"
        "    steps:\n    - - {name: b, template: c, withItems: [null, {a: null}, 1.0], arguments: }\n"
    )
    (template,) = only(text).manifest["spec"]["templates"]
    assert template["inputs"]["parameters"] == [
        {"name": "a", "value": "1.5", "enum": ["1", "true", "x"]},
        {"name": "e", "value": ""},
    ]
    assert template["steps"] == [[{"name": "b", "template": "c", "withItems": [None, {"a": None}, 1]}]]


def test_fields_that_only_a_cluster_can_honour_are_kept() -> None:
    spec = {
        "tolerations": [{"key": "a", "operator": "Exists"}],
        "affinity": {"nodeAffinity": {"anything": 1}},
        "podSpecPatch": "{}",
        "securityContext": {"runAsUser": 1},
    }
    lines = "".join(
        f"  {key}: {value!s}\n" if key != "podSpecPatch" else "  podSpecPatch: '{}'\n" for key, value in spec.items()
    )
    resource = only(WORKFLOW.replace("  templates:\n  - name: main\n", lines))
    assert resource.manifest["spec"] == {"entrypoint": "main", **spec}


def test_spellings_of_version_3_are_rewritten() -> None:
    resource = only(
        "apiVersion: argoproj.io/v1alpha1\nkind: CronWorkflow\nmetadata: {name: c}\nspec:\n  schedule: '* * * * *'\n"
        "  workflowSpec:\n    podPriority: 1\n    synchronization: {mutex: {name: m}}\n"
        "    templates:\n    - synchronization:\n        semaphore: {configMapKeyRef: {name: a, key: b}}\n"
    )
    spec = resource.manifest["spec"]
    assert spec["schedules"] == ["* * * * *"]
    assert "schedule" not in spec
    assert spec["workflowSpec"]["synchronization"] == {"mutexes": [{"name": "m"}]}
    (template,) = spec["workflowSpec"]["templates"]
    assert template["synchronization"] == {"semaphores": [{"configMapKeyRef": {"name": "a", "key": "b"}}]}
    assert resource.locate(("spec", "schedules", 0)) == Location("f.yaml", 5, 13)
    assert resource.locate(("spec", "workflowSpec", "synchronization", "mutexes", 0, "name")).line == 8
    assert [note.rule for note in resource.notes] == ["old-spelling"] * 4


def test_a_problem_in_an_old_spelling_is_told_where_it_is_written() -> None:
    text = WORKFLOW + "    synchronization:\n      mutex: {nam: x}\n"
    assert problems(text) == ['f.yaml:9:15: unknown field "nam" (did you mean "name"?)']


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("- a", "must be a mapping"),
        ("kind: Workflow", '"apiVersion" is missing'),
        ("apiversion: v1\nkind: Workflow", '"apiversion" looks like it'),
        ("apiVersion: argoproj.io/v1\nkind: Workflow", "write argoproj.io/v1alpha1"),
        ("apiVersion: argoproj.io/v1alpha1\nkind: WorkflowTaskSet", "internal object"),
        ("apiVersion: argoproj.io/v1alpha1\nkind: Workflow\nspec: {}", '"metadata" is missing'),
        ("apiVersion: argoproj.io/v1alpha1\nkind: WorkflowTemplate\nmetadata: {}\nspec: {}", "needs a name"),
        ("a: b: c", "not valid YAML"),
    ],
)
def test_what_is_no_manifest(text: str, says: str) -> None:
    assert says in problems(text)[0]


def test_a_word_that_yaml_takes_for_a_boolean() -> None:
    assert problems(SENSOR.replace("eventName: new", "eventName: n")) == [
        'f.yaml:6:46: "eventName" must be text, not false (quote it: "n")'
    ]


def test_extensions_of_sensors_and_webhooks() -> None:
    sensor = only(
        SENSOR + "      argoWorkflow:\n        operation: submit\n        source: {resource: {}}\n"
        "        arguments: {a: 1, b: {cel: data.x}, c: text}\n"
        "        parameters: [{src: {cel: deps.d.data}, dest: spec.x}]\n"
    )
    trigger = sensor.manifest["spec"]["triggers"][0]["template"]["argoWorkflow"]
    assert trigger["arguments"] == {"a": "1", "b": {"cel": "data.x"}, "c": "text"}
    assert sensor.manifest["spec"]["dependencies"][0]["filters"] == {"cel": "data.x > 1"}
    source = only(
        "apiVersion: argoproj.io/v1alpha1\nkind: EventSource\nmetadata: {name: e}\nspec:\n  webhook:\n    n:\n"
        "      port: 12000\n      endpoint: /x\n      methods: [POST, PUT]\n"
        "      verify: {scheme: hmac, secrets: [{name: a, key: b}], header: X-Sig, tolerance: 5m}\n"
    )
    assert source.manifest["spec"]["webhook"]["n"]["port"] == "12000"


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("      argoWorkflow: {operation: sumbit}", 'did you mean "submit"?'),
        ("      argoWorkflow: {arguments: {a: {cell: x}}}", '"cel" is missing'),
        ("      argoWorkflow: {arguments: {a: [1]}}", "a value or a mapping with cel"),
        ("      http: {method: POST}", '"url" is missing'),
        ("      conditon: a", 'did you mean "conditions"?'),
    ],
)
def test_mistakes_in_sensors(line: str, says: str) -> None:
    assert any(says in problem for problem in problems(SENSOR + line + "\n"))


def test_lists_are_taken_apart() -> None:
    item = "{apiVersion: v1, kind: Secret, metadata: {name: x},\n   stringData: {a: 1}}"
    text = f"apiVersion: v1\nkind: List\nitems:\n- {item}\n"
    assert problems(text) == ['f.yaml:5:20: "a" must be text, not 1 (quote it: "1")']
    assert only(text.replace("1}", "b}")).name == "x"


def test_directories_are_walked_and_what_is_no_manifest_is_passed_over(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(WORKFLOW)
    (tmp_path / "values.yaml").write_text("replicas: 3\n")
    (tmp_path / "README.md").write_text("# nothing")
    (tmp_path / ".hidden.yaml").write_text("a: b: c")
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "b.json").write_text('{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"}}')
    assert [resource.kind for resource in manifest_files.load_paths([tmp_path])] == ["Workflow", "ConfigMap"]
    with pytest.raises(ManifestError, match="is this a manifest"):
        manifest_files.load_paths([tmp_path / "values.yaml"])
    with pytest.raises(ManifestError, match="cannot be read: No such file"):
        manifest_files.load_paths([tmp_path / "absent.yaml"])


def test_importing_is_cheap() -> None:
    """The command line imports these modules; pydantic waits until a manifest is read."""
    code = "import sys; import eventflow.model.manifest_files; print('pydantic' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


@pytest.mark.skipif(not ARGO.is_dir(), reason=f"conformance data not at {CONFORMANCE}")
def test_every_example_of_argo_parses() -> None:
    resources = manifest_files.load_paths([ARGO])
    assert len(resources) > 200
    assert [note.location.line for each in resources for note in each.notes if note.rule == "duplicate-key"] != []


@pytest.mark.skipif(not ARGO.is_dir(), reason=f"conformance data not at {CONFORMANCE}")
def test_reading_back_what_was_read_changes_nothing() -> None:
    def again(plain: dict[str, Any]) -> dict[str, Any]:
        import orjson

        (resource,) = manifest.parse(orjson.dumps(plain), "again")
        return resource.manifest

    for resource in manifest_files.load_paths([ARGO]):
        assert again(resource.manifest) == resource.manifest
