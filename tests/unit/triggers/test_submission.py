"""From a trigger's manifest to a request for the engine."""

import pytest

from eventflow.errors import UserError
from eventflow.triggers import submission
from eventflow.triggers.contract import Firing
from eventflow.triggers.objects import merged

FIRING = Firing("f" * 32, "apps/s", "run", "apps", 1_700_000_000.5)


def test_arguments_of_argo_submit_are_understood_in_each_of_their_forms() -> None:
    given = submission.options(
        ["-p", "a=1", "--parameter", "b=x=y", "-pc=3", "--labels=l=1,m=2", "--generate-name", "g-", "-n", "other"]
    )
    assert given["parameters"] == {"a": "1", "b": "x=y", "c": "3"}
    assert given["labels"] == {"l": "1", "m": "2"}
    assert (given["generateName"], given["namespace"]) == ("g-", "other")


def test_an_argument_that_is_not_known_is_refused() -> None:
    with pytest.raises(UserError, match="--watch"):
        submission.options(["--watch"])


def test_a_request_is_named_by_its_firing_and_labelled_as_argo_events_does() -> None:
    request = submission.request({"manifest": {"spec": {}}, "labels": {"team": "a"}, "parameters": {"p": "1"}}, FIRING)
    assert request.manifest["metadata"]["generateName"] == "run-"
    assert (request.key, request.firing, request.namespace) == (FIRING.id, FIRING.id, "apps")
    assert request.labels == {
        "events.argoproj.io/sensor": "s",
        "events.argoproj.io/trigger": "run",
        "events.argoproj.io/action-timestamp": "1700000000500",
        "team": "a",
    }


def test_a_plain_manifest_has_todays_spelling_and_parameter_values_as_text() -> None:
    made = submission.plain(
        {
            "kind": "Workflow",
            "metadata": {"generateName": "x-"},
            "spec": {
                "entrypoint": "a",
                "arguments": {"parameters": [{"name": "n", "value": 5}]},
                "synchronization": {"mutex": {"name": "m"}},
            },
        }
    )
    assert made["spec"]["arguments"]["parameters"][0]["value"] == "5"
    assert made["spec"]["synchronization"] == {"mutexes": [{"name": "m"}]}


def test_a_manifest_that_the_models_refuse_is_left_for_the_parameters_to_mend() -> None:
    broken = {"kind": "Workflow", "metadata": {}, "spec": {"entrypoint": 5}}
    assert submission.plain(broken) == broken


def test_merge_patches_follow_rfc_7386() -> None:
    assert merged({"a": {"b": 1, "c": 2}, "d": 3}, {"a": {"b": None, "e": 4}, "d": [1]}) == {
        "a": {"c": 2, "e": 4},
        "d": [1],
    }
