"""The HTTP shapes: keys, attributes, methods and paths that the recorded table does not try."""

import json
from pathlib import Path
from typing import Any

import pytest

from eventflow.errors import UserError
from eventflow.sources.payloads import keys, shapes
from eventflow.sources.payloads.request import MASKED, Request, Surroundings, canonical

NONE = Surroundings(lambda *_: None, 1_700_000_000.0)
JSON = ("Content-Type", "application/json")
HOOK = {"endpoint": "/hook/{id}", "method": "POST"}


def post(target: str, body: Any, *headers: tuple[str, str], method: str = "POST") -> Request:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Request(method, target, (JSON, *headers), raw)


def test_methods_paths_and_queries_of_a_webhook() -> None:
    config = {**HOOK, "methods": ["put", "DELETE"]}
    answer = shapes.respond("webhook", config, post("/hook/42?x=1&x=2", {"a": 1}, method="PUT"), NONE)
    data = json.loads(answer.events[0].data)
    assert (data["body"], data["params"], data["query"]) == ({"a": 1}, {"id": "42"}, {"x": ["1", "2"]})
    answer = shapes.respond("webhook", config, Request("DELETE", "/hook/42?y=z"), NONE)
    assert json.loads(answer.events[0].data)["body"] == {"y": ["z"]}
    refused = shapes.respond("webhook", config, post("/hook/42", {}), NONE)
    assert (refused.status, refused.headers["Allow"]) == (405, "PUT, DELETE")


@pytest.mark.parametrize(
    ("endpoint", "path", "found"),
    [
        ("/a/{x}/{y}", "/a/1/2", {"x": "1", "y": "2"}), ("/a/{x}", "/a/1/2", None), ("a", "/a", {}),
        ("/a/{x:[0-9]+}", "/a/b", None), ("/a.b", "/axb", None),
    ],
)  # fmt: skip
def test_endpoints(endpoint: str, path: str, found: dict[str, str] | None) -> None:
    assert shapes.match(endpoint, path) == found


def test_a_bad_endpoint_is_the_users_error() -> None:
    with pytest.raises(UserError):
        shapes.match("/a/{x:(}", "/a/b")


@pytest.mark.parametrize(
    ("headers", "body", "key"),
    [
        ((("webhook-id", "msg_1"),), {}, "webhook-id:msg_1"),
        ((("X-GitHub-Delivery", "d"),), {}, "x-github-delivery:d"),
        ((("Idempotency-Key", "i"), ("X-Gitlab-Event-UUID", "u")), {}, "idempotency-key:i"),
        ((("ce-specversion", "1.0"), ("ce-id", "1"), ("ce-source", "/s"), ("ce-type", "t")), {}, "ce:/s:1"),
        ((("X-Request-Id", "proxy-made"),), {}, None),
        ((), {"id": 7}, None),
    ],
)
def test_keys_of_a_webhook(headers: tuple[tuple[str, str], ...], body: Any, key: str | None) -> None:
    answer = shapes.receive("webhook", HOOK, post("/", body, *headers), NONE)
    assert answer.events[0].key == key


def test_the_key_may_come_from_the_body() -> None:
    config = {**HOOK, "keyPath": "order.id"}
    assert shapes.receive("webhook", config, post("/", {"order": {"id": 7}}), NONE).events[0].key == "path:7"
    assert shapes.receive("webhook", config, post("/", {}, ("webhook-id", "x")), NONE).events[0].key is None


def test_cloudevents_keep_their_attributes() -> None:
    headers = [
        ("ce-specversion", "1.0"),
        ("ce-id", "1"),
        ("ce-source", "/s"),
        ("ce-type", "t"),
        ("ce-traceparent", "00-a"),
    ]
    binary = shapes.receive("webhook", HOOK, post("/", {"d": 1}, *headers), NONE).events[0]
    assert (binary.id, binary.source, binary.type, dict(binary.extensions)) == ("1", "/s", "t", {"traceparent": "00-a"})
    assert json.loads(binary.data)["body"] == {"d": 1}
    body = {
        "specversion": "1.0",
        "id": "2",
        "source": "/s",
        "type": "t",
        "subject": "x",
        "time": "2024-03-05T10:30:00Z",
    }
    request = Request("POST", "/", (("Content-Type", "application/cloudevents+json"),), json.dumps(body).encode())
    structured = shapes.receive("webhook", HOOK, request, NONE).events[0]
    assert (structured.key, structured.subject, structured.time) == ("ce:/s:2", "x", "2024-03-05T10:30:00Z")


def alerts(*states: str, group: str = "g") -> dict[str, Any]:
    made = [{"fingerprint": f"f{i}", "status": state, "startsAt": "t0"} for i, state in enumerate(states)]
    return {"version": "4", "groupKey": group, "receiver": "r", "alerts": made}


def test_a_repeated_alert_notification_has_the_same_key() -> None:
    assert keys.of_alerts(alerts("firing")) == keys.of_alerts({**alerts("firing"), "truncatedAlerts": 0})
    assert keys.of_alerts(alerts("firing")) != keys.of_alerts(alerts("resolved"))
    assert keys.of_alerts(alerts("firing")) != keys.of_alerts(alerts("firing", "firing"))
    assert keys.of_alerts(alerts("firing")) != keys.of_alerts(alerts("firing", group="h"))
    assert keys.of_alerts({"alerts": [{}], "groupKey": "g"}) is None


def test_credentials_are_masked_in_the_event_only() -> None:
    request = post("/", {}, ("Authorization", "Basic x"), ("X-A", "1"), ("x-a", "2"))
    assert request.fields["Authorization"] == [MASKED]
    assert request.fields["X-A"] == ["1", "2"]
    assert request.header("authorization") == "Basic x"
    assert canonical("x-GITHUB-event") == "X-Github-Event"
    assert canonical("bad name") == "bad name"


def slack(body: Any) -> Any:
    answer = shapes.receive("slack", {"webhook": {}}, post("/", body), NONE)
    return answer.events[0], json.loads(answer.events[0].data)


def test_slack_messages_get_the_member_message_and_a_key() -> None:
    inner = {"type": "message", "text": "hi", "channel": "C1", "ts": "1.2", "team": "T1"}
    event, data = slack({"type": "event_callback", "event_id": "Ev1", "event": inner})
    assert event.key == "slack:Ev1"
    assert data["Data"]["thread_ts"] == ""
    assert data["Data"]["message"]["text"] == "hi"
    assert "team" not in data["Data"]


def test_slack_events_of_an_unknown_type_pass_as_they_are() -> None:
    _, data = slack({"type": "event_callback", "event": {"type": "brand_new", "x": [1]}})
    assert data == {"type": "brand_new", "Data": {"type": "brand_new", "x": [1]}}


def test_slack_commands() -> None:
    body = b"command=%2Fdeploy&text=prod+now&user_id=U1&trigger_id=13.1&is_enterprise_install=true"
    request = Request("POST", "/", (("Content-Type", "application/x-www-form-urlencoded"),), body)
    event = shapes.receive("slack", {"webhook": {}}, request, NONE).events[0]
    data = json.loads(event.data)
    assert (data["command"], data["text"], data["team_id"], data["is_enterprise_install"]) == (
        "/deploy",
        "prod now",
        "",
        True,
    )
    assert event.key == "slack:13.1"


def test_bitbucket_server_splits_by_change_with_keys_of_their_own() -> None:
    body = {"repository": {"slug": "s"}, "changes": [{"refId": "a"}, {"refId": "b"}]}
    request = post("/", body, ("X-Event-Key", "repo:refs_changed"), ("X-Request-Id", "r1"))
    events = shapes.receive("bitbucketserver", {"webhook": {}, "oneEventPerChange": True}, request, NONE).events
    assert [event.key for event in events] == ["x-request-id:r1:0", "x-request-id:r1:1"]
    assert [json.loads(event.data)["body"]["changes"] for event in events] == [[{"refId": "a"}], [{"refId": "b"}]]


def test_storagegrid() -> None:
    record = {
        "eventName": "ObjectCreated:Put",
        "s3": {"bucket": {"name": "b"}, "object": {"key": "a.txt", "sequencer": "1"}},
    }
    message = json.dumps({"Records": [record]})
    body = f"Action=Publish&Message={message.replace(' ', '%20').replace('&', '%26')}&TopicArn=urn".encode()
    request = Request("POST", "/", (("Content-Type", "application/x-www-form-urlencoded"),), body)
    answer = shapes.receive("storageGrid", {"webhook": {}, "filter": {"suffix": ".txt"}}, request, NONE)
    assert answer.events[0].key == "s3:b:a.txt:1:ObjectCreated:Put"
    data = json.loads(answer.events[0].data)
    assert data["notification"]["Message"]["Records"][0]["s3"]["object"]["size"] == 0
    assert shapes.receive("storageGrid", {"webhook": {}}, Request("HEAD", "/"), NONE).text == ""
    assert shapes.receive("storageGrid", {"webhook": {}}, Request("POST", "/", (), b"x=1"), NONE).status == 400


@pytest.mark.parametrize("name", ["slack_members.json"])
def test_data_files_are_sorted_and_whole(name: str) -> None:
    text = (Path(shapes.__file__).parent / name).read_text()
    events = list(json.loads(text)["events"])
    assert events == sorted(events)
    assert len(events) > 50
