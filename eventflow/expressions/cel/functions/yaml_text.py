"""YAML text to plain JSON values, as sigs.k8s.io/yaml gives them: no tags, no anchors, keys are strings.

Built on libyaml's events rather than on a loader, so that nothing but these values can come out and the effort is
bounded by the length of the text (no aliases to blow it up).
"""

import re
from collections.abc import Iterator
from typing import Any

import yaml

from eventflow.expressions.cel.errors import Failure, LimitExceeded
from eventflow.expressions.cel.limits import MAX_YAML

_MAX_DEPTH = 64
_NULL = frozenset(("", "~", "null", "Null", "NULL"))
_BOOLS = {
    text: value
    for word, value in (("true", True), ("yes", True), ("on", True), ("false", False), ("no", False), ("off", False))
    for text in (word, word.capitalize(), word.upper())
}
_INT = re.compile(r"[-+]?(?:0|[1-9][0-9]*)\Z")
_HEX = re.compile(r"[-+]?0x[0-9a-fA-F]+\Z")
_OCTAL = re.compile(r"[-+]?0o?[0-7]+\Z")
_FLOAT = re.compile(r"[-+]?(?:[0-9]+\.[0-9]*|\.[0-9]+|[0-9]+)(?:[eE][-+]?[0-9]{1,4})?\Z")


def load(text: str) -> Any:
    """The only document of the text. Raises Failure, or LimitExceeded when it is too long."""
    if len(text) > MAX_YAML:
        raise LimitExceeded(f"YAML text of more than {MAX_YAML} characters")
    try:
        events = yaml.parse(text, Loader=yaml.CSafeLoader)
        return _document(events)
    except yaml.YAMLError:
        raise Failure("not YAML") from None


def _document(events: Iterator[Any]) -> Any:
    value: Any = None
    documents = 0
    for event in events:
        if isinstance(event, yaml.DocumentStartEvent):
            documents += 1
            if documents > 1:
                raise Failure("more than one YAML document")
            value = _node(events, next(events), 0)
    return value


def _node(events: Iterator[Any], event: Any, depth: int) -> Any:
    if depth > _MAX_DEPTH:
        raise LimitExceeded("YAML nested too deeply")
    if isinstance(event, yaml.AliasEvent):
        raise Failure("YAML aliases are not supported")
    if event.tag is not None and event.tag not in ("!", "tag:yaml.org,2002:str"):
        raise Failure("YAML tags are not supported")
    if isinstance(event, yaml.ScalarEvent):
        return _scalar(event.value) if event.implicit[0] else event.value
    if isinstance(event, yaml.SequenceStartEvent):
        return _sequence(events, depth)
    return _mapping(events, depth)


def _sequence(events: Iterator[Any], depth: int) -> list[Any]:
    items = []
    while not isinstance(event := next(events), yaml.SequenceEndEvent):
        items.append(_node(events, event, depth + 1))
    return items


def _mapping(events: Iterator[Any], depth: int) -> dict[str, Any]:
    made: dict[str, Any] = {}
    while not isinstance(event := next(events), yaml.MappingEndEvent):
        if not isinstance(event, yaml.ScalarEvent):
            raise Failure("a YAML key that is not a plain value")
        if event.value in made:
            raise Failure("repeated YAML key")
        made[event.value] = _node(events, next(events), depth + 1)
    return made


def _scalar(text: str) -> Any:
    if text in _NULL:
        return None
    if text in _BOOLS:
        return _BOOLS[text]
    if len(text) > 32:
        return text
    for form, base in ((_INT, 10), (_HEX, 16), (_OCTAL, 8)):
        if form.match(text):
            return int(text.replace("0o", "0"), base)
    return float(text) if _FLOAT.match(text) else text
