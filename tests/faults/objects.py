"""What the killed server is given to do: a signed webhook, two sensors, and a DAG that tells the observer of itself.

An event's `kind` decides who wants it: `left` and `right` one sensor each, `both` both, `none` nobody. The sensor
`right` also calls the observer over HTTP. The pods of a workflow tell the observer when they start and finish, from
inside the sandbox, over loopback; each line is acknowledged before the pod goes on, so the observer's order is the
order in which things happened.
"""

SIGNING = "whsec_c2VjcmV0LXNpZ25pbmcta2V5LTAxMjM0NTY3"
KINDS = ("left", "right", "both", "none")
SENSORS = {"left": ("left", "both"), "right": ("right", "both")}
AFTER: dict[str, tuple[str, ...]] = {"a": (), "b": ("a",), "c": ("a",), "d": ("b", "c")}
"""The DAG: what must have finished before a task may start. `c` fails at its first try."""

_SOURCES = f"""
apiVersion: v1
kind: Secret
metadata: {{name: hook}}
stringData: {{signing: {SIGNING}}}
---
apiVersion: argoproj.io/v1alpha1
kind: EventSource
metadata: {{name: hooks}}
spec:
  webhook:
    signed:
      endpoint: /signed
      method: POST
      verify: {{scheme: standard-webhooks, secret: {{name: hook, key: signing}}}}
"""

SENSOR = """
apiVersion: argoproj.io/v1alpha1
kind: Sensor
metadata: {name: SENSOR}
spec:
  dependencies:
    - name: one
      eventSourceName: hooks
      eventName: signed
      filters: {cel: FILTER}
  triggers:
    - template:
        name: run
        argoWorkflow:
          operation: submit
          arguments: {number: {cel: string(body.number)}}
          source:
            resource:
              apiVersion: argoproj.io/v1alpha1
              kind: Workflow
              metadata: {generateName: run-}
              spec:
                workflowTemplateRef: {name: diamond}
                arguments: {parameters: [{name: number}, {name: sensor, value: SENSOR}]}
"""

_CALL = """
    - template:
        name: call
        http:
          url: http://127.0.0.1:PORT/called
          method: POST
          payload:
            - {src: {dependencyName: one, dataKey: body.number}, dest: number}
"""

_TEMPLATE = """
apiVersion: argoproj.io/v1alpha1
kind: WorkflowTemplate
metadata: {name: diamond}
spec:
  entrypoint: diamond
  templates:
    - name: diamond
      dag:
        tasks:
          - {name: a, template: step, arguments: {parameters: [{name: task, value: a}]}}
          - {name: b, depends: a, template: step, arguments: {parameters: [{name: task, value: b}]}}
          - {name: c, depends: a, template: flaky}
          - {name: d, depends: b && c, template: step, arguments: {parameters: [{name: task, value: d}]}}
    - name: step
      inputs: {parameters: [{name: task}]}
      container:
        image: bash:5
        command: [bash, -c]
        args: ['SCRIPT']
        env: [{name: TASK, value: "{{inputs.parameters.task}}"}, {name: TRY, value: "1"}, OTHERS]
    - name: flaky
      retryStrategy: {limit: 3, retryPolicy: OnFailure}
      container:
        image: bash:5
        command: [bash, -c]
        args: ['SCRIPT']
        env: [{name: TASK, value: c}, {name: TRY, value: "{{retries}}"}, OTHERS]
"""

_OTHERS = ", ".join(
    f'{{name: {name}, value: "{{{{{variable}}}}}"}}'
    for name, variable in {
        "POD": "pod.name",
        "RUN": "workflow.name",
        "NUMBER": "workflow.parameters.number",
        "SENSOR": "workflow.parameters.sensor",
    }.items()
)

_SCRIPT = (
    "exec 3<>/dev/tcp/127.0.0.1/PORT || exit 9; "
    'tell() { echo "$1 $POD $RUN $TASK $SENSOR $NUMBER" >&3; read -r _ <&3 || exit 9; }; '
    'tell start; sleep 0.0$((RANDOM % 10)); if [ "$TRY" = 0 ]; then tell fail; exit 3; fi; tell finish'
)


def manifests(port: int) -> str:
    """Return everything to apply; pods and the HTTP trigger tell the observer at a port of loopback."""
    texts = [_SOURCES]
    for name, kinds in SENSORS.items():
        wanted = " || ".join(f"body.kind == '{kind}'" for kind in kinds)
        text = SENSOR + (_CALL if name == "right" else "")
        texts.append(text.replace("SENSOR", name).replace("FILTER", f'"{wanted}"'))
    texts.append(_TEMPLATE.replace("SCRIPT", _SCRIPT.replace("'", "''")).replace("OTHERS", _OTHERS))
    return "\n---\n".join(texts).replace("PORT", str(port))
