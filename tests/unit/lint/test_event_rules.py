"""What lint says about event sources and sensors."""

import pytest

from eventflow.lint import linting
from eventflow.model import manifest

SOURCE = """\
apiVersion: argoproj.io/v1alpha1
kind: EventSource
metadata: {name: hooks}
spec:
"""
PUSH = '  webhook:\n    push: {port: "12000", endpoint: /push, verify: {scheme: bearer, secret: {name: a, key: b}}}\n'
SENSOR = """\
apiVersion: argoproj.io/v1alpha1
kind: Sensor
metadata: {name: s}
spec:
  dependencies:
  - {name: pushed, eventSourceName: hooks, eventName: push%s}
  triggers:
  - template:
      name: t
%s"""
LOG = "      log: {}\n"
POLICY = "    policy: {status: {allow: [200]}}\n"


def said(text: str) -> list[str]:
    found = linting.lint(manifest.parse(text, "f.yaml"))
    return [
        f"{each.severity} {each.rule} {each.location.line}:{each.location.column} {each.message} | {each.hint}"
        for each in found
        if each.severity != "info"
    ]


def only(text: str) -> str:
    (one,) = said(text)
    return one


def test_a_complete_set_is_silent() -> None:
    assert said(SOURCE + PUSH + "---\n" + SENSOR % ("", LOG)) == []


@pytest.mark.parametrize(
    ("entries", "says"),
    [
        ("  webhook: {push: {port: '1', endpoint: /x}}\n", "warning unverified 5:19 anybody who can reach"),
        ("  github: {push: {webhook: {port: '1', endpoint: /x}}}\n", "verify: {scheme: github, secret"),
        (
            PUSH + "  calendar: {push: {interval: 10s}}\n",
            'error event-source 7:20 the event "push" is there twice, below webhook and calendar',
        ),
        ("  calendar: {c: {schedule: '0 0 31 2 *'}}\n", "error schedule 5:28 the schedule '0 0 31 2 *' never fires"),
        ("  calendar: {c: {}}\n", "needs a schedule or an interval"),
        ("  kafka: {k: {url: a, topic: b}}\n", "warning event-lost 5:14 without a consumerGroup"),
        (PUSH.replace("/push", "push"), "error event-source 6:37 an endpoint begins with /"),
        (PUSH.replace("scheme: bearer", "scheme: hmac"), "needs the header that holds the signature"),
        (PUSH.replace("scheme: bearer, secret: {name: a, key: b}", "scheme: github"), "verify needs secret or secrets"),
        (PUSH.replace("bearer,", "stripe, tolerance: soon,"), "error duration"),
        (PUSH.replace("bearer,", "bearer, username: u,"), "username has a meaning for basic only"),
        (PUSH.replace("verify:", "filter: {expression: a ==}, verify:"), "error expression 6:68"),
        (
            PUSH + PUSH.splitlines()[1].replace("push:", "again:", 1) + "\n",
            'POST /push on port 12000 belongs to "push" already',
        ),
        ("  replicas: 1\n", "there is no event in this source"),
    ],
)
def test_sources(entries: str, says: str) -> None:
    assert says in only(SOURCE + entries)


@pytest.mark.parametrize("fields", ["bearer, header: X-Token", "basic, username: u", "slack, tolerance: 5m"])
def test_what_a_scheme_reads_is_in_order(fields: str) -> None:
    assert said(SOURCE + PUSH.replace("scheme: bearer", f"scheme: {fields}")) == []


def test_several_methods_share_a_path() -> None:
    second = PUSH.splitlines()[1].replace("push:", "again:", 1).replace("endpoint:", "methods: [PUT, PATCH], endpoint:")
    assert said(SOURCE + PUSH + second + "\n") == []


@pytest.mark.parametrize(
    ("filters", "says"),
    [
        (", filters: {cel: 'data.x >'}", "error cel 6:"),
        (", filters: {cel: 'dat.x > 1'}", "error cel 6:77"),
        (", filters: {cel: '\"a\"'}", "error cel 6:"),
        (", filters: {exprs: [{expr: a == (, fields: [{path: a, name: a}]}]}", "error filter 6:"),
        (", filters: {exprs: [{expr: a == 1}]}", "an expression without fields"),
        (", filters: {data: [{path: a, type: string, value: [main]}]}", 'write "^main$" for the whole text'),
        (", filters: {data: [{path: a, type: number, comparator: '!=', value: [1, 2]}]}", "one of them always differs"),
        (", filters: {data: [{path: a, type: number, value: [x]}]}", "'x' is no number"),
        (", filters: {data: [{path: a, type: string, value: ['(']}]}", "is no regular expression"),
        (", filters: {data: [{path: a, type: string, comparator: '>', value: [^x]}]}", "compared with = and !="),
        (", filters: {time: {start: '9:00', stop: '17:00:00'}}", "'9:00' is no time of day"),
        (", filters: {time: {start: '09:00:00', stop: '17:00:00', timezone: Mars}}", "unknown time zone 'Mars'"),
        (", filters: {cel: 'true'}, filtersLogicalOperator: or", "or between one kind of filter"),
    ],
)
def test_filters(filters: str, says: str) -> None:
    assert says in only(SENSOR % (filters, LOG))


@pytest.mark.parametrize(
    ("template", "says"),
    [
        ("      conditions: pushd\n" + LOG, "error conditions 10:19"),
        ("      conditions: pushed &&\n" + LOG, "error conditions 10:"),
        ("", "the trigger says not what to do"),
        (LOG + "      http: {url: x}\n", "http and log exclude each other"),
        ("      http: {url: x}\n", "warning status-unchecked"),
        (
            "      http: {url: x, payload: [{src: {dependencyName: pushd}, dest: a}]}\n" + POLICY,
            'there is no dependency "pushd" | did you mean "pushed"?',
        ),
        (
            "      http: {url: x, parameters: [{src: {dependencyName: pushed}}]}\n" + POLICY,
            "the parameter needs a dest",
        ),
        (
            "      http: {url: x, payload: [{src: {cel: deps.pushed.}, dest: a}]}\n" + POLICY,
            "error cel 10:",
        ),
        (
            "      http: {url: x, payload: [{src: {cel: deps.pushd.data}, dest: a}]}\n" + POLICY,
            'there is no dependency "pushd"',
        ),
        (LOG + "      conditionsReset: [{byTime: {cron: '* * *'}}]\n", "error schedule 11:"),
        ("      argoWorkflow: {source: {inline: x}}\n", "the trigger has no operation"),
        ("      argoWorkflow: {operation: submit}\n", "the trigger has no source"),
    ],
)
def test_triggers(template: str, says: str) -> None:
    assert says in only(SENSOR % ("", template))


INNER = """\
      argoWorkflow:
        operation: submit
        arguments: {who: {cel: data.name}}
        source:
          resource:
            apiVersion: argoproj.io/v1alpha1
            kind: Workflow
            metadata: {generateName: w-}
            spec:
              entrypoint: main
              arguments: {parameters: [{name: who}]}
              templates: [{name: main, container: {image: x, args: ['{{workflow.parameters.who}}']}}]
"""


def test_the_workflow_inside_a_trigger_is_linted_at_its_place() -> None:
    assert said(SENSOR % ("", INNER)) == []
    unknown = only(SENSOR % ("", INNER.replace("entrypoint: main", "entrypoint: man")))
    assert unknown == 'error unknown-template 19:27 there is no template "man" | did you mean "main"?'
    typo = only(SENSOR % ("", INNER.replace("image: x", "imag: x")))
    assert 'error trigger 21:52 unknown field "imag"' in typo
    surplus = only(SENSOR % ("", INNER.replace("arguments: {who:", "arguments: {whom:")))
    assert 'warning unknown-argument 12:27 the workflow has no parameter "whom" | did you mean "who"?' in surplus


def test_events_come_from_a_source() -> None:
    source = SOURCE + PUSH + "---\n"
    assert 'has no event "pull" | known: push' in only(
        source + (SENSOR % ("", LOG)).replace("eventName: push", "eventName: pull")
    )
    assert 'did you mean "hooks"?' in only(
        source + (SENSOR % ("", LOG)).replace("eventSourceName: hooks", "eventSourceName: hook")
    )


def test_names_in_a_sensor_are_unique() -> None:
    twice = (SENSOR % ("", LOG)) + "  - template: {name: t, log: {}}\n"
    assert "error trigger 11:22 two triggers are named" in only(twice)
