from typing import Any

import pytest

from eventflow.engine.core.pod_spec import PodSpec


def test_fields_are_rendered_and_others_are_left_out() -> None:
    spec = {
        "entrypoint": "main",
        "podSpecPatch": "cpu: {{workflow.parameters.cpu}}",
        "volumes": [{"name": "v", "configMap": {"name": "{{workflow.name}}-c"}}],
        "nodeSelector": {"zone": "{{unknown.tag}}"},
    }
    found = PodSpec(spec, "w").render({"workflow.parameters.cpu": "1", "workflow.name": "w"})
    assert found == {
        "podSpecPatch": "cpu: 1",
        "volumes": [{"name": "v", "configMap": {"name": "w-c"}}],
        "nodeSelector": {"zone": "{{unknown.tag}}"},
    }


def test_values_that_appear_later_are_seen_by_later_pods() -> None:
    pod_spec = PodSpec({"podSpecPatch": "{{workflow.outputs.parameters.x}}"}, "w")
    assert pod_spec.render({})["podSpecPatch"] == "{{workflow.outputs.parameters.x}}"
    assert pod_spec.render({"workflow.outputs.parameters.x": "1"})["podSpecPatch"] == "1"


def test_claims_of_the_workflow_are_volumes_and_count_more_than_those_of_the_same_name() -> None:
    spec = {
        "volumes": [{"name": "work", "emptyDir": {}}, {"name": "other", "emptyDir": {}}],
        "volumeClaimTemplates": [{"metadata": {"name": "work"}, "spec": {}}],
    }
    assert PodSpec(spec, "w").render({})["volumes"] == [
        {"name": "work", "persistentVolumeClaim": {"claimName": "w-work"}},
        {"name": "other", "emptyDir": {}},
    ]


@pytest.mark.parametrize(
    ("workflow", "template", "expected"),
    [
        (None, None, None),
        (True, None, True),
        (True, False, False),
        (False, True, True),
        (None, True, True),
    ],
)
def test_the_templates_word_on_logs_counts_more_than_the_workflows(
    workflow: bool | None, template: bool | None, expected: bool | None
) -> None:
    bound: dict[str, Any] = {"name": "t", "container": {"image": "x"}}
    if template is not None:
        bound["archiveLocation"] = {"archiveLogs": template}
    found = PodSpec({"archiveLogs": workflow}, "w").with_logs(bound)
    assert (found.get("archiveLocation") or {}).get("archiveLogs") is expected


def test_what_has_no_container_has_no_logs() -> None:
    bound = {"name": "t", "http": {"url": "http://x"}}
    assert PodSpec({"archiveLogs": True}, "w").with_logs(bound) is bound
