"""From templates to containers."""

from typing import Any

import pytest

from eventflow.errors import UserError
from eventflow.model.pod import Pod
from eventflow.runtimes.containers import Shape, shape_of


def shape(template: dict[str, Any], **workflow_spec: Any) -> Shape:
    return shape_of(Pod("p", "ns", "wf", "uid", "node", "wf.node", template, workflow_spec))


def test_a_container_is_main_whatever_it_is_called() -> None:
    (main,) = shape({"container": {"name": "other", "image": "busybox", "command": ["x"]}}).containers
    assert (main.name, main.kind, main.artifacts) == ("main", "main", True)
    assert main.spec["command"] == ["x"]


def test_a_scripts_file_is_its_last_argument() -> None:
    made = shape({"script": {"image": "python", "command": ["python"], "args": ["-u"], "source": "print(1)"}})
    assert made.script == "print(1)"
    assert made.containers[0].spec["args"] == ["-u", "/argo/staging/script"]
    assert "source" not in made.containers[0].spec


def test_an_empty_script_is_a_script() -> None:
    assert shape({"script": {"image": "python", "command": ["python"], "source": ""}}).script == ""


def test_a_container_sets_mounts_and_retries() -> None:
    group = {
        "volumeMounts": [{"name": "w", "mountPath": "/w"}],
        "retryStrategy": {"retries": "3", "duration": "1m30s"},
        "containers": [
            {"name": "a", "volumeMounts": [{"name": "x", "mountPath": "/x"}]},
            {"name": "b", "dependencies": ["a"]},
        ],
    }
    made = shape({"containerSet": group})
    assert made.is_set
    assert (made.retries, made.retry_wait) == (3, 90.0)
    assert [[mount["mountPath"] for mount in one.mounts] for one in made.containers] == [["/x", "/w"], ["/w"]]
    assert [one.depends for one in made.containers] == [(), ("a",)]


@pytest.mark.parametrize("duration", ["5", "soon", "1x"])
def test_a_bad_duration_is_the_users_error(duration: str) -> None:
    group = {"retryStrategy": {"retries": 1, "duration": duration}, "containers": [{"name": "a"}]}
    with pytest.raises(UserError, match="duration"):
        shape({"containerSet": group})


def test_sidecars_and_init_containers_see_mains_mounts_if_they_mirror_them() -> None:
    own = {"name": "o", "mountPath": "/main"}
    made = shape(
        {
            "container": {"volumeMounts": [{"name": "m", "mountPath": "/main"}, {"name": "n", "mountPath": "/n"}]},
            "initContainers": [{"name": "i", "mirrorVolumeMounts": True, "volumeMounts": [own]}],
            "sidecars": [{"name": "s"}],
        }
    )
    by_name = {one.name: one for one in made.containers}
    assert [mount["name"] for mount in by_name["i"].mounts] == ["o", "n"]
    assert by_name["s"].mounts == []
    assert (by_name["i"].artifacts, by_name["s"].artifacts) == (True, False)
    assert [one.name for one in made.of_kind("init")] == ["i"]


def test_an_init_container_that_always_restarts_is_a_sidecar() -> None:
    made = shape({"container": {}, "initContainers": [{"name": "proxy", "restartPolicy": "Always"}]})
    assert [one.name for one in made.of_kind("sidecar")] == ["proxy"]


def test_a_templates_volume_hides_the_workflows() -> None:
    volumes = [{"name": "v", "emptyDir": {}}]
    made = shape({"container": {}, "volumes": [{"name": "v", "configMap": {"name": "c"}}]}, volumes=volumes)
    assert "configMap" in made.volumes["v"]


def test_a_claim_template_is_a_volume() -> None:
    made = shape({"container": {}}, volumeClaimTemplates=[{"metadata": {"name": "work"}, "spec": {}}])
    assert made.volumes["work"]["persistentVolumeClaim"] == {"claimName": "wf-work"}


def test_patches_apply_in_order_workflow_first() -> None:
    made = shape(
        {"container": {"image": "a"}, "podSpecPatch": '{"containers": [{"name": "main", "image": "c"}]}'},
        podSpecPatch="terminationGracePeriodSeconds: 3\ncontainers:\n- {name: main, image: b, tty: true}\n",
    )
    assert made.containers[0].spec["image"] == "c"
    assert made.containers[0].spec["tty"] is True
    assert made.grace == 3.0


def test_a_template_with_nothing_to_run() -> None:
    with pytest.raises(UserError, match=r"wf\.node has nothing to run"):
        shape({"name": "empty", "suspend": {}})
