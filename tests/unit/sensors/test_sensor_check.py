"""What is wrong with a sensor is found when it is applied, all at once, each with its place."""

import pytest

from eventflow.artifacts.outbound import Outbound
from eventflow.model import manifest
from eventflow.model.problems import ManifestError, Problem
from eventflow.sensors import check
from eventflow.triggers.contract import Environment, Triggers, registry

TEMPLATE = """\
apiVersion: argoproj.io/v1alpha1
kind: Sensor
metadata: {name: s}
spec:
  dependencies:
    - name: a
      eventSourceName: s
      eventName: e
      filters:
        cel: FILTER
  triggers:
    - template:
        name: t
        conditions: CONDITIONS
        ACTION
"""


def problems(filter_: str = "has(body.x)", conditions: str = "a", action: str = "log: {}") -> tuple[Problem, ...]:
    text = TEMPLATE.replace("FILTER", filter_).replace("CONDITIONS", conditions).replace("ACTION", action)
    resource = manifest.parse(text, "s.yaml")[0]
    environment = Environment(None, None, Outbound(), None)  # type: ignore[arg-type]
    try:
        check.check(resource, Triggers(registry(), environment))
    except ManifestError as error:
        return error.problems
    return ()


def test_a_good_sensor_has_no_problems() -> None:
    assert problems("body.x == 1", "a", "log: {}") == ()


def test_an_unknown_name_in_cel_is_found_where_it_is_written() -> None:
    (found,) = problems("body.x == 1 && bogus.y")
    assert (found.rule, str(found.location)) == ("cel", "s.yaml:10:29")


def test_an_unknown_dependency_in_conditions_is_found_where_it_is_written() -> None:
    (found,) = problems(conditions='"a && bee"')
    assert found.rule == "condition"
    assert str(found.location) == "s.yaml:14:27"


@pytest.mark.parametrize(
    ("action", "rule", "word"),
    [
        ("slack: {channel: c}", "trigger", "slack"),
        ("http: {url: 'http://x', tls: {enabled: true}}", "trigger", "tls"),
        ("k8s: {operation: create, source: {resource: {kind: Pod}}}", "trigger", "Pod"),
        ("argoWorkflow: {operation: submit, source: {git: {url: 'https://x'}}}", "trigger", "source.resource"),
        (
            "argoWorkflow: {operation: submit, args: ['--watch'], source: {resource: {kind: Workflow}}}",
            "trigger",
            "--watch",
        ),
    ],
)
def test_a_trigger_that_cannot_work_is_refused(action: str, rule: str, word: str) -> None:
    found = problems(action=action)
    assert [each.rule for each in found] == [rule]
    assert word in found[0].message + (found[0].hint or "")
    assert found[0].location.line == 15


def test_parameters_are_checked_too_wherever_they_are() -> None:
    action = "http: {url: 'http://x', payload: [{dest: a, src: {dependencyName: nobody, cel: 'nothing.at.all'}}]}"
    assert {each.rule for each in problems(action=action)} == {"cel", "unknown-dependency"}


def test_every_problem_is_told_at_once() -> None:
    found = problems("bogus", "zzz", "slack: {channel: c}")
    assert [each.rule for each in found] == ["cel", "condition", "trigger"]
