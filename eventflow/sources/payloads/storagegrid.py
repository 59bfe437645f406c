"""`storageGrid`: S3 notifications of NetApp StorageGRID (argo-events pkg/eventsources/sources/storagegrid)."""

from collections.abc import Mapping
from typing import Any

from eventflow.model.document import InvalidJson, dumps, loads
from eventflow.sources.payloads.members import fill
from eventflow.sources.payloads.request import Answer, Received, Refused, Request, Surroundings, form

_OK = (
    '<PublishResponse xmlns="http://argoevents-sns-server/">\n    <PublishResult>\n        '
    "<MessageId>generated-by-eventflow</MessageId>\n    </PublishResult>\n    <ResponseMetadata>\n        "
    "<RequestId>generated-by-eventflow</RequestId>\n    </ResponseMetadata>\n</PublishResponse>\n"
)
_RECORD: dict[str, Any] = {
    "eventVersion": "",
    "storageGridEventSource": "",
    "eventTime": "0001-01-01T00:00:00Z",
    "eventName": "",
    "userIdentity": {"principalId": ""},
    "requestParameters": {"sourceIPAddress": ""},
    "responseElements": {"x-amz-request-id": ""},
    "s3": {
        "s3SchemaVersion": "",
        "configurationId": "",
        "bucket": {"name": "", "ownerIdentity": {"principalId": ""}, "arn": ""},
        "object": {"key": "", "size": 0, "eTag": "", "sequencer": ""},
    },
}


def receive(
    request: Request, config: Mapping[str, Any], _around: Surroundings, _parameters: Mapping[str, str]
) -> Answer:
    """Take a notification whose object's name fits `filter`; answer HEAD, which StorageGRID asks first.

    Unlike the peer, the answer follows the event, and a body that can not be read is refused. Raises Refused(400).
    """
    if request.method == "HEAD":
        return Answer(200, "")
    notification = _notification(request)
    answer = Answer(200, _OK, content_type="text/xml; charset=utf-8")
    if not _wanted(notification, config.get("filter") or {}):
        return answer
    members: dict[str, Any] = {"notification": notification}
    if config.get("metadata"):
        members["metadata"] = config["metadata"]
    event = Received(dumps(members), _key(notification))
    return Answer(answer.status, answer.text, (event,), answer.content_type)


def _notification(request: Request) -> dict[str, Any]:
    fields = form(request.body.decode("utf-8", "replace"))
    try:
        message = loads((fields.get("Message") or [""])[0])
    except InvalidJson as error:
        raise Refused(400, "the body has no Message with JSON in it") from error
    records = message.get("Records") if isinstance(message, dict) else None
    if not isinstance(records, list):
        raise Refused(400, "the Message has no Records")
    return {
        "Action": (fields.get("Action") or [""])[0],
        "Message": {"Records": [fill(record, _RECORD) for record in records]},
        "TopicArn": (fields.get("TopicArn") or [""])[0],
        "Version": (fields.get("Version") or [""])[0],
    }


def _first(notification: dict[str, Any]) -> dict[str, Any]:
    records: list[dict[str, Any]] = notification["Message"]["Records"]
    return records[0] if records else fill({}, _RECORD)


def _wanted(notification: dict[str, Any], wanted: Mapping[str, Any]) -> bool:
    name = str(_first(notification)["s3"]["object"]["key"])
    return name.startswith(str(wanted.get("prefix") or "")) and name.endswith(str(wanted.get("suffix") or ""))


def _key(notification: dict[str, Any]) -> str | None:
    record = _first(notification)
    about, bucket = record["s3"]["object"], record["s3"]["bucket"]
    if not about["sequencer"]:
        return None
    return f"s3:{bucket['name']}:{about['key']}:{about['sequencer']}:{record['eventName']}"
