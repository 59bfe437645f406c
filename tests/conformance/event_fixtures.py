"""What the judges of the event tables share: the recorded events, and comparing JSON."""

import functools
import json
import os
from pathlib import Path
from typing import Any

from eventflow.model.cloudevent import CloudEvent
from eventflow.model.document import Document

_ROOT = Path(os.environ.get("EVENTFLOW_CONFORMANCE", Path(__file__).parents[3] / "shared" / "conformance"))


@functools.cache
def _fixtures() -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((_ROOT / "events" / "fixtures.json").read_text())
    return loaded


def named(value: Any) -> Any:
    """Return the fixture of a name; anything else is itself."""
    return _fixtures()[value] if isinstance(value, str) else value


def document(value: dict[str, Any]) -> Document | None:
    """Return the data of a recorded event: `data_text` exactly, or `data` as compact JSON, or none."""
    if "data_text" in value:
        return Document(value["data_text"])
    if "data" in value:
        return Document(json.dumps(value["data"], ensure_ascii=False, separators=(",", ":")))
    return None


def event(value: Any) -> CloudEvent:
    """Return a recorded event."""
    given = named(value)
    return CloudEvent(
        id=given["id"],
        source=given["source"],
        type=given["type"],
        subject=given["subject"],
        time=given["time"],
        datacontenttype=given["datacontenttype"],
        specversion=given["specversion"],
        data=document(given),
        key=given["id"],
    )


def same(left: Any, right: Any) -> bool:
    """Whether two JSON values are equal, numbers by value as doubles (the recordings went through float64)."""
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if isinstance(left, int | float) and isinstance(right, int | float):
        return float(left) == float(right)
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(same(value, right[key]) for key, value in left.items())
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(same, left, right))
    return type(left) is type(right) and left == right
