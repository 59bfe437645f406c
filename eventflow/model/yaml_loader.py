"""Reads YAML and JSON into `Document`s. Built on PyYAML's parser events; no Python object but plain data comes of it.

Bounded, since manifests also arrive over the network: the text's size, the depth, and how much aliases may expand to.
"""

import base64
import binascii
from dataclasses import dataclass
from typing import Any, Final

import yaml

from eventflow.errors import Location, UserError
from eventflow.model import json_source, source, yaml_scalars
from eventflow.model.source import Document, Mark, Note, Style, UnreadableText

MAX_BYTES: Final = 1 << 20
MAX_DEPTH: Final = 64
MAX_ALIAS_NODES: Final = 100_000

_PARSER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_SHORT_TAGS: Final = "tag:yaml.org,2002:"
_STYLES: Final[dict[str | None, Style]] = {"'": "quoted", '"': "quoted", "|": "block", ">": "block"}
_BRACES_HINT: Final = 'text that begins with {{ must be quoted: "{{...}}"'
_HINTS: Final = {
    "found character '\\t' that cannot start any token": "indent with spaces, not tabs",
    "found character that cannot start any token": "indent with spaces, not tabs; quote text that begins with @ or `",
    "mapping values are not allowed": "quote text that holds ': ', and check the indentation",
    "did not find expected key": "check the indentation of this line and the one above",
    "could not find expected ':'": "a key lacks its colon, or text over several lines lacks quotes",
    "did not find expected '-' indicator": "check the indentation of this list",
    "block sequence entries are not allowed": "a list begins on the line below its key",
    "found undefined alias": "an alias (*name) needs its anchor (&name) earlier in the same document",
    "did not find expected ',' or '}'": _BRACES_HINT,
    "did not find expected ',' or ']'": "close the list with ], or quote the text that begins with [",
}


def load(text: bytes | str, file: str, *, max_bytes: int = MAX_BYTES) -> list[Document]:
    """Return the documents of a YAML or JSON text in order, empty ones left out.

    `file` names the text in locations. Raises UnreadableText (a UserError with the place) where the text is not UTF-8,
    not well-formed, or beyond a limit.
    """
    decoded = _decoded(text, file, max_bytes)
    if decoded.lstrip()[:1] in ("{", "["):
        document = json_source.load(decoded, file, max_depth=MAX_DEPTH)
        if document is not None:
            return [document]
    try:
        return _Reader(decoded, file).documents()
    except yaml.YAMLError as error:
        raise _unreadable(error, decoded, file) from error


def _decoded(text: bytes | str, file: str, max_bytes: int) -> str:
    raw = text.encode(errors="surrogatepass") if isinstance(text, str) else text
    if len(raw) > max_bytes:
        raise UnreadableText(
            f"{len(raw):,} bytes are more than the limit of {max_bytes:,}",
            location=Location(file),
            hint="split the file, or keep large data in an artifact or a ConfigMap",
        )
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        column = error.start - (raw.rfind(b"\n", 0, error.start) + 1) + 1
        raise UnreadableText("the text is not UTF-8", location=Location(file, line, column)) from error


def _unreadable(error: yaml.YAMLError, text: str, file: str) -> UnreadableText:
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    if mark is not None:
        problem = str(getattr(error, "problem", None) or error)
        if problem == "found unexpected end of stream":
            problem, mark = "this quote is never closed", error.context_mark  # type: ignore[attr-defined]
        hint = next((advice for start, advice in _HINTS.items() if problem.startswith(start)), None)
        return UnreadableText(f"not valid YAML: {problem}", location=_place(file, mark), hint=hint)
    position = getattr(error, "position", None)
    if isinstance(position, int):
        before = text[:position]
        place = Location(file, before.count("\n") + 1, position - (before.rfind("\n") + 1) + 1)
        return UnreadableText("a control character, which YAML does not allow", location=place)
    return UnreadableText(f"not valid YAML: {error}", location=Location(file))


def _place(file: str, mark: Any) -> Location:
    return Location(file, mark.line + 1, mark.column + 1)


@dataclass(slots=True)
class _Anchored:
    """What an anchor names: the value, its mark, and how many nodes it has."""

    value: Any
    mark: Mark
    nodes: int


class _Reader:
    """One pass over a text's parser events."""

    def __init__(self, text: str, file: str) -> None:
        self.text = text
        self.file = file
        self.events = _PARSER(text)
        self.anchors: dict[str, _Anchored | None] = {}
        self.notes: list[Note] = []
        self.nodes = 0
        self.expanded = 0

    def documents(self) -> list[Document]:
        found: list[Document] = []
        while True:
            event = self.events.get_event()
            if isinstance(event, yaml.StreamEndEvent):
                return found
            if not isinstance(event, yaml.DocumentStartEvent):
                continue
            self.anchors, self.notes = {}, []
            value, mark = self.node(self.events.get_event(), 0)
            if value is not None:
                found.append(Document(value, mark, self.text, self.file, tuple(self.notes)))

    def node(self, event: Any, depth: int) -> tuple[Any, Mark]:
        """Return the value and mark of the node that `event` begins, and consume its other events."""
        if isinstance(event, yaml.AliasEvent):
            return self.alias(event)
        if depth > MAX_DEPTH:
            raise self.error(f"nested more than {MAX_DEPTH} levels deep", event)
        before = self.nodes
        self.nodes += 1
        if event.anchor:
            self.anchors[event.anchor] = None
        if isinstance(event, yaml.ScalarEvent):
            value, mark = self.scalar(event)
        elif isinstance(event, yaml.MappingStartEvent):
            value, mark = self.mapping(event, depth)
        else:
            value, mark = self.sequence(event, depth)
        if event.anchor:
            self.anchors[event.anchor] = _Anchored(value, mark, self.nodes - before)
        return value, mark

    def sequence(self, start: Any, depth: int) -> tuple[list[Any], Mark]:
        mark = _mark(start, "list")
        values = []
        while not isinstance(event := self.events.get_event(), yaml.SequenceEndEvent):
            value, item = self.node(event, depth + 1)
            values.append(value)
            mark.items.append(item)
        return values, mark

    def mapping(self, start: Any, depth: int) -> tuple[dict[str, Any], Mark]:
        mark = _mark(start, "mapping")
        values: dict[str, Any] = {}
        merged: list[tuple[Any, Mark]] = []
        while not isinstance(event := self.events.get_event(), yaml.MappingEndEvent):
            key = self.key(event)
            value, below = self.node(self.events.get_event(), depth + 1)
            if key == "<<" and event.implicit[0]:
                merged.extend(self.merge_sources(value, below, event))
                continue
            place = (event.start_mark.line + 1, event.start_mark.column + 1)
            if key in values:
                self.note_duplicate(key, place, mark.keys[key])
            values[key] = value
            mark.keys[key] = place
            mark.entries[key] = below
        for more, its_mark in merged:
            for key in more.keys() - values.keys():
                values[key] = more[key]
                mark.keys[key], mark.entries[key] = its_mark.keys[key], its_mark.entries[key]
        return values, mark

    def key(self, event: Any) -> str:
        """Return a key's text as written: `on` and `1` are no booleans and numbers there."""
        if isinstance(event, yaml.ScalarEvent):
            return str(event.value)
        if isinstance(event, yaml.AliasEvent):
            value, _ = self.alias(event)
            if isinstance(value, str):
                return value
        if self.text[event.start_mark.index - 1 : event.start_mark.index + 1] == "{{":
            raise self.error("a mapping cannot be a key", event, _BRACES_HINT)
        raise self.error("a key must be text", event)

    def merge_sources(self, value: Any, mark: Mark, event: Any) -> list[tuple[dict[str, Any], Mark]]:
        if isinstance(value, dict):
            return [(value, mark)]
        if isinstance(value, list) and all(isinstance(item, dict) for item in value):
            return list(zip(value, mark.items, strict=True))
        raise self.error("'<<' takes an alias of a mapping, or a list of such", event)

    def alias(self, event: Any) -> tuple[Any, Mark]:
        if event.anchor not in self.anchors:
            raise self.error(f"no anchor &{event.anchor} in this document before the alias", event)
        known = self.anchors[event.anchor]
        if known is None:
            raise self.error(f"the alias *{event.anchor} stands inside its own anchor", event)
        self.expanded += known.nodes
        self.nodes += known.nodes
        if self.expanded > MAX_ALIAS_NODES:
            raise self.error(f"aliases expand to more than {MAX_ALIAS_NODES:,} values", event, "write them out")
        return _copy(known.value), known.mark

    def scalar(self, event: Any) -> tuple[Any, Mark]:
        mark = _mark(event, _STYLES.get(event.style, "plain"))
        if event.implicit[0]:
            return self.plain(event), mark
        if event.implicit[1] or event.tag == _SHORT_TAGS + "str" or not event.tag.startswith(_SHORT_TAGS):
            return event.value, mark
        return self.tagged(event), mark

    def plain(self, event: Any) -> Any:
        text: str = event.value
        if text in yaml_scalars.SURPRISING_WORDS:
            word = "true" if yaml_scalars.WORDS[text] else "false"
            self.notes.append(
                Note(
                    "yaml-boolean",
                    f"{text} means {word} here, as in Kubernetes",
                    _place(self.file, event.start_mark),
                    f'write {word}, or "{text}" for the text',
                )
            )
        try:
            return yaml_scalars.resolve(text)
        except UserError as error:
            raise self.error(error.message, event, error.hint) from error

    def tagged(self, event: Any) -> Any:
        kind = event.tag.removeprefix(_SHORT_TAGS)
        if kind == "binary":
            try:
                return base64.b64decode(event.value).decode()
            except (binascii.Error, UnicodeDecodeError) as error:
                raise self.error("!!binary must be base64 of UTF-8 text", event) from error
        value = yaml_scalars.resolve(event.value)
        kinds = {"bool": bool, "int": int, "float": (int, float), "null": type(None), "timestamp": str}
        if kind in kinds and not isinstance(value, kinds[kind]):  # type: ignore[arg-type]
            raise self.error(f"{event.value!r} is no {kind}", event)
        return value

    def note_duplicate(self, key: str, place: tuple[int, int], first: tuple[int, int]) -> None:
        self.notes.append(
            Note(
                "duplicate-key",
                f'duplicate key "{key}": the one in line {first[0]} is lost',
                Location(self.file, *place),
                "remove one of them",
            )
        )

    def error(self, message: str, event: Any, hint: str | None = None) -> UnreadableText:
        return UnreadableText(message, location=_place(self.file, event.start_mark), hint=hint)


def _mark(event: Any, style: Style) -> Mark:
    start = event.start_mark
    return source.mark(start.line + 1, start.column + 1, style)


def _copy(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _copy(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_copy(item) for item in value]
    return value
