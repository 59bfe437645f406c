"""The members of a trigger's template and their types (argo-events pkg/apis/events/v1alpha1/sensor_types.go).

A parameter may write anywhere into the template; afterwards it must still be one. As with Argo, a member that is not
known is dropped, and a value of the wrong type is refused.
"""

from typing import Any

from eventflow.triggers.resolve import ParameterError

_ANY = "any"
_MAP = "map of text"
Shape = str | dict[str, Any] | list[Any]

_SOURCE: Shape = {
    "s3": _ANY, "inline": "text", "file": {"path": "text"}, "url": {"path": "text", "verifyCert": "bool"},
    "configmap": _ANY, "git": _ANY, "resource": _ANY,
}  # fmt: skip
_CARRIER: dict[str, Any] = {"payload": [_ANY], "parameters": [_ANY]}

SHAPE: dict[str, Any] = {
    "name": "text",
    "conditions": "text",
    "conditionsReset": [{"byTime": {"cron": "text", "timezone": "text"}}],
    "k8s": {
        "source": _SOURCE, "operation": "text", "parameters": [_ANY], "patchStrategy": "text", "liveObject": "bool",
    },
    "argoWorkflow": {
        "source": _SOURCE, "operation": "text", "parameters": [_ANY], "args": ["text"], "arguments": _ANY,
    },
    "http": {
        **_CARRIER, "url": "text", "tls": _ANY, "method": "text", "timeout": "integer", "basicAuth": _ANY,
        "headers": _MAP, "secureHeaders": [_ANY], "dynamicHeaders": [_ANY], "host": "text",
    },
    "awsLambda": {
        **_CARRIER, "functionName": "text", "accessKey": _ANY, "secretKey": _ANY, "region": "text",
        "invocationType": "text", "roleARN": "text",
    },
    "custom": {
        **_CARRIER, "serverURL": "text", "secure": "bool", "certSecret": _ANY, "serverNameOverride": "text",
        "spec": _MAP,
    },
    "kafka": {
        **_CARRIER, "url": "text", "topic": "text", "partition": "integer", "requiredAcks": "integer",
        "compress": "bool",
        "flushFrequency": "integer", "tls": _ANY, "partitioningKey": "text", "version": "text", "sasl": _ANY,
        "schemaRegistry": _ANY, "headers": _MAP, "secureHeaders": [_ANY],
    },
    "nats": {**_CARRIER, "url": "text", "subject": "text", "tls": _ANY, "auth": _ANY},
    "slack": {
        "parameters": [_ANY], "slackToken": _ANY, "channel": "text", "message": "text", "attachments": "text",
        "blocks": "text", "thread": {"messageAggregationKey": "text", "broadcastMessageToChannel": "bool"},
        "sender": {"username": "text", "icon": "text"},
    },
    "openWhisk": {
        **_CARRIER, "host": "text", "version": "text", "namespace": "text", "authToken": _ANY, "actionName": "text",
    },
    "log": {"intervalSeconds": "integer"},
    "azureEventHubs": {
        **_CARRIER, "fqdn": "text", "hubName": "text", "sharedAccessKeyName": _ANY, "sharedAccessKey": _ANY,
    },
    "azureServiceBus": {
        **_CARRIER, "connectionString": _ANY, "queueName": "text", "topicName": "text", "subscriptionName": "text",
        "tls": _ANY,
    },
    "pulsar": {
        **_CARRIER, "url": "text", "topic": "text", "tlsTrustCertsSecret": _ANY, "tlsAllowInsecureConnection": "bool",
        "tlsValidateHostname": "bool", "tls": _ANY, "authTokenSecret": _ANY, "connectionBackoff": _ANY,
        "authAthenzParams": _MAP, "authAthenzSecret": _ANY,
    },
    "email": {
        "parameters": [_ANY], "username": "text", "smtpPassword": _ANY, "host": "text", "port": "integer",
        "to": ["text"], "from": "text", "subject": "text", "body": "text",
    },
}  # fmt: skip


def conform(template: dict[str, Any]) -> dict[str, Any]:
    """Return the template without members that are not known. Raises ParameterError("result-invalid")."""
    conformed: dict[str, Any] = _conform(template, SHAPE, "")
    return conformed


def _conform(value: Any, shape: Shape, place: str) -> Any:
    if value is None or shape == _ANY:
        return value
    if isinstance(shape, dict):
        return _members(value, shape, place)
    if isinstance(shape, list):
        if not isinstance(value, list):
            raise _wrong(value, "a list", place)
        return [_conform(item, shape[0], f"{place}.{index}") for index, item in enumerate(value)]
    if shape == _MAP:
        if not isinstance(value, dict):
            raise _wrong(value, "an object", place)
        return {key: _conform(item, "text", f"{place}.{key}") for key, item in value.items()}
    return _scalar(value, shape, place)


def _members(value: Any, shape: dict[str, Any], place: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise _wrong(value, "an object", place)
    return {
        key: _conform(item, shape[key], f"{place}.{key}" if place else key)
        for key, item in value.items()
        if key in shape
    }


def _scalar(value: Any, shape: str, place: str) -> Any:
    if shape == "bool" and isinstance(value, bool):
        return value
    if shape == "integer" and isinstance(value, int) and not isinstance(value, bool):
        return value
    if shape == "text" and isinstance(value, str):
        return value
    raise _wrong(value, {"bool": "true or false", "integer": "a whole number"}.get(shape, "text"), place)


def _wrong(value: Any, wanted: str, place: str) -> ParameterError:
    hint = "use useRawData for values that are no text" if isinstance(value, str) else "leave useRawData out for text"
    return ParameterError("result-invalid", f"{place}: {wanted} is needed there, not {str(value)[:40]!r}", hint=hint)
