"""Reads settings from a file and the environment, and shows them.

Nothing is guessed: a key that does not exist is an error with its place and the nearest key that does.
"""

import dataclasses
import difflib
import os
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, cast, get_args, get_origin, get_type_hints

import orjson

from eventflow.errors import Location, UserError
from eventflow.model import yaml_loader
from eventflow.model.source import Document
from eventflow.settings import HIDDEN, Bytes, Seconds, Settings

PREFIX = "EVENTFLOW_"
FILE_VARIABLE = "EVENTFLOW_CONFIG"
DEFAULT_FILE = "eventflow.yaml"

_RESERVED = {FILE_VARIABLE, "EVENTFLOW_CONFORMANCE"}
# Kubernetes tells each pod of the services around it: one named eventflow gives EVENTFLOW_PORT=tcp://10.0.0.1:2746.
_SERVICE_LINK = re.compile(r"_SERVICE_(HOST|PORT)(_\w+)?$|_PORT_\d+_(TCP|UDP)(_\w+)?$")
_SERVICE_URL = re.compile(r"(tcp|udp)://[\d.]+:\d+$")

_UNITS = {
    "": 1,
    "K": 10**3,
    "M": 10**6,
    "G": 10**9,
    "T": 10**12,
    "Ki": 1 << 10,
    "Mi": 1 << 20,
    "Gi": 1 << 30,
    "Ti": 1 << 40,
}
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_QUANTITY = re.compile(r"(\d+(?:\.\d+)?)([KMGT]i?)?")
_PASSWORD = re.compile(r"(://[^:/@]*:)[^/]*@")
_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)")


@dataclass(frozen=True, slots=True)
class Option:
    """One value that can be set. `path` holds the attribute names that lead to it."""

    path: tuple[str, ...]
    kind: Any
    default: Any
    text: str
    secret: bool

    @property
    def key(self) -> str:
        """The dotted key of the file: `limits.eventSize`."""
        return ".".join(_camel(part) for part in self.path)

    @property
    def variable(self) -> str:
        """The variable of the environment: `EVENTFLOW_LIMITS_EVENT_SIZE`."""
        return PREFIX + "_".join(self.path).upper()


def options(section: type = Settings, above: tuple[str, ...] = ()) -> Iterator[Option]:
    """Every value that can be set, in the order of the sections."""
    hints = get_type_hints(section, include_extras=True)
    for each in dataclasses.fields(section):
        hint = hints[each.name]
        if dataclasses.is_dataclass(hint):
            yield from options(cast(type, hint), (*above, each.name))
        elif get_origin(hint) is Annotated:
            kind, text, *marks = get_args(hint)
            default = each.default_factory() if callable(each.default_factory) else each.default
            yield Option((*above, each.name), kind, default, text, HIDDEN in marks)


def load(file: Path | None = None, environ: Mapping[str, str] | None = None) -> Settings:
    """Read the file named (or by EVENTFLOW_CONFIG, or `eventflow.yaml` if there is one) and the environment.

    Raises UserError with the place for a file that cannot be read, an unknown key, or a value that does not fit.
    """
    variables = os.environ if environ is None else environ
    named = file or (Path(variables[FILE_VARIABLE]) if variables.get(FILE_VARIABLE) else None)
    path = named or Path(DEFAULT_FILE)
    document = None
    if named or path.exists():
        try:
            documents = yaml_loader.load(path.read_bytes(), str(path))
        except OSError as error:
            raise UserError(f"the settings cannot be read: {error.strerror}", location=Location(str(path))) from error
        document = documents[0] if documents else None
    return read(document, variables)


def read(document: Document | None, environ: Mapping[str, str]) -> Settings:
    """Make settings of a document and variables; the variables win. Raises UserError."""
    known = {option.path: option for option in options()}
    values: dict[tuple[str, ...], tuple[Any, str]] = {}
    if document is not None:
        for option, value, place in _of_document(document, known):
            values[option.path] = (_convert(option, value, Given(f"'{option.key}'", place)), str(place))
    for option, text in _of_environment(environ, list(known.values())):
        origin = Given(option.variable, Location("environment"))
        values[option.path] = (_convert(option, text, origin, text=True), option.variable)
    origins = {known[path].key: origin for path, (_, origin) in values.items()}
    built: Settings = _build(Settings, (), {path: value for path, (value, _) in values.items()})
    return dataclasses.replace(built, origins=origins)


def _build(section: type, above: tuple[str, ...], values: Mapping[tuple[str, ...], Any]) -> Any:
    kinds = get_type_hints(section)
    given: dict[str, Any] = {}
    for each in dataclasses.fields(section):
        path = (*above, each.name)
        if dataclasses.is_dataclass(kinds[each.name]):
            given[each.name] = _build(kinds[each.name], path, values)
        elif path in values:
            given[each.name] = values[path]
    return section(**given)


@dataclass(frozen=True, slots=True)
class Given:
    """One given value, for errors about it: `what` names it, `place` is where it stands."""

    what: str
    place: Location

    def error(self, expected: str, value: object) -> UserError:
        return UserError(f"{self.what} must be {expected}, not {value!r}", location=self.place)


def _of_document(document: Document, known: Mapping[tuple[str, ...], Option]) -> Iterator[tuple[Option, Any, Location]]:
    sections = {path[:depth] for path in known for depth in range(len(path))}

    def below(tree: Any, above: tuple[str, ...], written: tuple[str, ...]) -> Iterator[tuple[Option, Any, Location]]:
        if not isinstance(tree, dict):
            name = ".".join(written) or "the settings"
            raise UserError(f"'{name}' must be a mapping of keys to values", location=document.locate(written))
        for key, value in tree.items():
            path, place = (*above, _snake(key)), document.locate_key((*written, key))
            if _camel(_snake(key)) != key or (path not in known and path not in sections):
                raise _unknown(".".join((*written, key)), [option.key for option in known.values()], sections, place)
            if path in known:
                if value is not None:
                    yield known[path], value, place
            elif value is not None:
                yield from below(value, path, (*written, key))

    yield from below(document.tree, (), ())


def _unknown(key: str, keys: list[str], sections: set[tuple[str, ...]], place: Location) -> UserError:
    candidates = keys + [".".join(_camel(part) for part in section) for section in sections if section]
    near = difflib.get_close_matches(key, candidates, n=1, cutoff=0.6)
    hint = f"did you mean '{near[0]}'?" if near else "docs/settings.md lists all keys"
    return UserError(f"there is no setting '{key}'", location=place, hint=hint)


def _of_environment(environ: Mapping[str, str], known: list[Option]) -> Iterator[tuple[Option, str]]:
    by_variable = {option.variable: option for option in known}
    for name in sorted(environ):
        if not name.startswith(PREFIX) or name in _RESERVED:
            continue
        if _SERVICE_LINK.search(name) or _SERVICE_URL.match(environ[name]):
            continue
        if name not in by_variable:
            short = [variable.removeprefix(PREFIX) for variable in by_variable]
            near = difflib.get_close_matches(name.removeprefix(PREFIX), short, n=1, cutoff=0.6)
            hint = f"did you mean {PREFIX}{near[0]}?" if near else "docs/settings.md lists all variables"
            raise UserError(f"there is no setting {name}", location=Location("environment"), hint=hint)
        yield by_variable[name], environ[name]


def _convert(option: Option, value: Any, place: Given, *, text: bool = False) -> Any:
    """A value as its kind wants it; `text` when it comes from a variable, where all is text."""
    kind = option.kind
    if get_origin(kind) is Literal:
        if value not in get_args(kind):
            raise place.error("one of " + ", ".join(get_args(kind)), value)
        return value
    if get_origin(kind) is tuple:
        return _words(value, place, text)
    if kind in _CONVERTERS:
        return _CONVERTERS[kind](value, place, text)
    if Path in (kind, *get_args(kind)):
        return Path(_text(value, place, text)).expanduser() if value != "" else option.default
    return _mapping(value, place, text)


def _text(value: Any, place: Given, text: bool) -> str:
    del text
    if not isinstance(value, str):
        raise place.error("text", value)
    return value


def _flag(value: Any, place: Given, text: bool) -> bool:
    if isinstance(value, bool):
        return value
    words = {"true": True, "1": True, "false": False, "0": False}
    if not text or value.lower() not in words:
        raise place.error("true or false", value)
    return words[value.lower()]


def _number(value: Any, place: Given, text: bool) -> int:
    if text and re.fullmatch(r"\d+", value):
        return int(value)
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise place.error("a whole number from 0", value)
    return value


def _size(value: Any, place: Given, text: bool) -> int:
    found = _QUANTITY.fullmatch(value) if isinstance(value, str) else None
    if found:
        return int(float(found[1]) * _UNITS[found[2] or ""])
    if isinstance(value, str):
        raise place.error("a size such as 1048576 or 1Mi", value)
    return _number(value, place, text)


def _time(value: Any, place: Given, text: bool) -> float:
    if isinstance(value, int | float) and not isinstance(value, bool) and value >= 0:
        return float(value)
    if isinstance(value, str) and text and re.fullmatch(r"\d+(\.\d+)?", value):
        return float(value)
    if isinstance(value, str) and value and not _DURATION.sub("", value):
        return sum(float(amount) * _SECONDS[unit] for amount, unit in _DURATION.findall(value))
    raise place.error("a time such as 30 (seconds), 30s or 1h30m", value)


def _words(value: Any, place: Given, text: bool) -> tuple[str, ...]:
    if text:
        return tuple(word.strip() for word in value.split(",") if word.strip())
    if not isinstance(value, list) or not all(isinstance(word, str) for word in value):
        raise place.error("a list of texts", value)
    return tuple(value)


def _mapping(value: Any, place: Given, text: bool) -> Mapping[str, Any]:
    if text:
        try:
            value = orjson.loads(value)
        except orjson.JSONDecodeError:
            raise place.error("a JSON object", value) from None
    if not isinstance(value, dict):
        raise place.error("a mapping", value)
    return value


_CONVERTERS: dict[Any, Callable[[Any, Given, bool], Any]] = {
    bool: _flag,
    int: _number,
    str: _text,
    Bytes: _size,
    Seconds: _time,
}


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)


def _snake(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])([A-Z])", lambda found: "_" + found[1].lower(), str(name))


def view(settings: Settings) -> Iterator[tuple[str, str, str]]:
    """Each key with its value as text, secrets hidden, and where it comes from; for `eventflow config view`."""
    for option in options():
        value: Any = settings
        for part in option.path:
            value = getattr(value, part)
        yield option.key, _shown(option, value), settings.origins.get(option.key, "default")


def _shown(option: Option, value: Any) -> str:
    """A value as it could be written in the file."""
    if value is None:
        return ""
    if option.secret and value:
        return _PASSWORD.sub(r"\1***@", str(value))
    if option.kind is Seconds:
        unit = next((unit for unit in ("d", "h", "m") if value and value % _SECONDS[unit] == 0), "s")
        return f"{value / _SECONDS[unit]:g}{unit}"
    if option.kind is Bytes:
        unit = next((unit for unit in ("Gi", "Mi", "Ki") if value and value % _UNITS[unit] == 0), "")
        return f"{value // _UNITS[unit]}{unit}"
    return orjson.dumps(value).decode() if isinstance(value, dict | tuple | bool) else str(value)


def table() -> str:
    """The Markdown table of all settings, as docs/settings.md has it."""
    rows = ["| key | variable | kind | default | meaning |", "| --- | --- | --- | --- | --- |"]
    for option in options():
        default = _shown(option, option.default)
        shown = f"`{default}`" if default and default not in ("[]", "{}") else ""
        rows.append(f"| `{option.key}` | `{option.variable}` | {_kind(option.kind)} | {shown} | {option.text} |")
    return "\n".join(rows) + "\n"


def _kind(kind: Any) -> str:
    if get_origin(kind) is Literal:
        return ", ".join(f"`{word}`" for word in get_args(kind))
    if get_origin(kind) is tuple:
        return "list"
    if Path in (kind, *get_args(kind)):
        return "path"
    return {bool: "true or false", int: "number", str: "text", Bytes: "size", Seconds: "time"}.get(kind, "mapping")
