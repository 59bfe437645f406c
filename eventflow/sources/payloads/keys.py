"""Event keys: what tells a sender's event from its other events, and is the same when it is delivered again."""

import hashlib
from collections.abc import Mapping
from typing import Any

from eventflow.expressions.gjson import path as gjson
from eventflow.sources.payloads.request import Request

# In the order of trust. A Gitea delivery has GitHub's header beside its own.
_HEADERS = (
    "webhook-id",
    "X-GitHub-Delivery",
    "Idempotency-Key",
    "X-Gitlab-Event-UUID",
    "X-Gitea-Delivery",
    "X-Request-Id",
    "X-Request-UUID",
)
_STRICT = _HEADERS[:5]


def of_webhook(request: Request, value: Any, config: Mapping[str, Any]) -> str | None:
    """Return the key of an event of a generic webhook, None when nothing in it tells.

    `keyPath` (ours, a gjson path into the body) decides when it is set; else a known header of the sender, CloudEvents
    attributes, or what an Alertmanager notification is about.
    """
    if config.get("keyPath"):
        found = gjson.get_value(value, str(config["keyPath"]))
        return f"path:{found.text()}" if found.exists and found.text() else None
    return of_cloudevent(request, value) or of_headers(request, *_STRICT) or of_alerts(value)


def of_headers(request: Request, *names: str) -> str | None:
    """Return the first of these headers that is there."""
    for name in names:
        if value := request.header(name):
            return f"{name.lower()}:{value}"
    return None


def of_cloudevent(request: Request, value: Any) -> str | None:
    """Return (source, id) of a CloudEvent in binary or structured mode."""
    attributes = cloudevent(request, value)
    return f"ce:{attributes['source']}:{attributes['id']}" if attributes else None


def cloudevent(request: Request, value: Any) -> dict[str, str]:
    """Return the attributes of a CloudEvent in binary or structured mode, empty when it is none."""
    if request.header("ce-specversion"):
        given = {name.lower()[3:]: text for name, text in request.headers if name.lower().startswith("ce-")}
    elif request.media_type == "application/cloudevents+json" and isinstance(value, dict):
        given = {name: text for name, text in value.items() if name != "data" and isinstance(text, str)}
    else:
        return {}
    return given if given.get("id") and given.get("source") and given.get("type") else {}


def of_alerts(value: Any) -> str | None:
    """Return the key of an Alertmanager notification: its group, and each alert with its state and times.

    A notification that is only repeated has the same key; one alert more, or one resolved, makes another.
    """
    if not isinstance(value, dict) or not isinstance(value.get("alerts"), list) or "groupKey" not in value:
        return None
    alerts = [alert for alert in value["alerts"] if isinstance(alert, dict)]
    about = sorted("|".join(str(alert.get(name, "")) for name in _ABOUT) for alert in alerts)
    if not about or not all(alert.get("fingerprint") for alert in alerts):
        return None
    text = "\n".join([str(value.get("receiver", "")), str(value["groupKey"]), *about])
    return "alerts:" + hashlib.sha256(text.encode()).hexdigest()


_ABOUT = ("fingerprint", "status", "startsAt", "endsAt")
