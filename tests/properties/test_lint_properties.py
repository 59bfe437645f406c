"""Whatever is done to a manifest, reading and linting it ends in findings or problems, never in another error."""

import copy
from typing import Any

import orjson
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from eventflow.lint import linting, render
from eventflow.model import manifest
from eventflow.model.problems import ManifestError

MANIFESTS = list(
    yaml.safe_load_all("""
apiVersion: argoproj.io/v1alpha1
kind: Workflow
metadata: {generateName: w-}
spec:
  entrypoint: main
  arguments: {parameters: [{name: x, value: '1', enum: ['1']}]}
  onExit: echo
  hooks: {running: {template: echo, expression: workflow.status == 'Running'}}
  synchronization: {mutexes: [{name: m}]}
  templates:
  - name: main
    inputs: {parameters: [{name: x}], artifacts: [{name: a, path: /a, optional: true}]}
    steps:
    - - {name: a, template: echo, withItems: [1, {x: 2}, [3]], when: '{{item}} == 1'}
    - - {name: b, templateRef: {name: t, template: u}, hooks: {exit: {template: echo}}}
    outputs: {parameters: [{name: o, valueFrom: {parameter: '{{steps.a.outputs.result}}'}}]}
  - name: graph
    dag:
      target: B
      tasks:
      - {name: A, template: echo, withSequence: {count: 3}}
      - {name: B, inline: {suspend: {duration: 5}}, depends: A.AnySucceeded && !A.Failed}
  - name: echo
    retryStrategy: {limit: 2, backoff: {duration: 5s, factor: 2}, expression: asInt(lastRetry.exitCode) > 1}
    metrics: {prometheus: [{name: m, help: h, counter: {value: '1'}}]}
    script: {image: i, source: 'echo {{=workflow.name}} {{pod.name}}', volumeMounts: [{name: v, mountPath: /v}]}
  - name: set
    containerSet: {containers: [{name: main, image: i}, {name: n, image: i, dependencies: [main]}]}
---
apiVersion: argoproj.io/v1alpha1
kind: CronWorkflow
metadata: {name: c}
spec: {schedule: '0 9 * * *', timezone: Europe/Berlin, workflowSpec: {workflowTemplateRef: {name: t}}}
---
apiVersion: argoproj.io/v1alpha1
kind: EventSource
metadata: {name: e}
spec:
  webhook: {push: {port: '1', endpoint: /p, verify: {scheme: hmac, header: h, secret: {name: a, key: b}}}}
  calendar: {tick: {interval: 10s, exclusionDates: ['2024-03-06']}}
---
apiVersion: argoproj.io/v1alpha1
kind: Sensor
metadata: {name: s}
spec:
  dependencies:
  - {name: d, eventSourceName: e, eventName: push, filters: {cel: data.x > 1}}
  triggers:
  - template:
      name: t
      conditions: d
      argoWorkflow:
        operation: submit
        arguments: {x: {cel: data.x}}
        parameters: [{src: {dependencyName: d, dataKey: a}, dest: spec.x}]
        source:
          resource:
            apiVersion: argoproj.io/v1alpha1
            kind: Workflow
            metadata: {generateName: w-}
            spec: {entrypoint: a, templates: [{name: a, container: {image: i, args: ['{{workflow.parameters.x}}']}}]}
""")
)
VALUES: st.SearchStrategy[Any] = st.sampled_from(
    ["", "{{", "{{=", "{{inputs.parameters.x}}", "{{steps.a.b}}", "A && B", "a.b.c", None, 0, 1.5, True, [], {}, ["x"]]
)


def paths(tree: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
    return [path, *(found for step, item in inner for found in paths(item, (*path, step)))]


@settings(deadline=None, max_examples=250)
@given(st.data())
def test_no_change_to_a_manifest_breaks_reading_or_linting(data: st.DataObject) -> None:
    trees = copy.deepcopy(MANIFESTS)
    for _ in range(data.draw(st.integers(1, 3))):
        tree = data.draw(st.sampled_from(trees))
        *way, last = data.draw(st.sampled_from(paths(tree)[1:]))
        holder = tree
        for step in way:
            holder = holder[step]
        if data.draw(st.booleans()):
            holder[last] = copy.deepcopy(data.draw(VALUES))
        else:
            del holder[last]
    text = b"\n".join(b"---\n" + orjson.dumps(tree) for tree in trees)
    refused = ""
    try:
        found = linting.lint(manifest.parse(text, "f.yaml"), now=1.7e9)
    except ManifestError as error:
        refused, found = str(error), []
    assert refused or render.people(found)
    assert refused == "" or refused.startswith("f.yaml:")
