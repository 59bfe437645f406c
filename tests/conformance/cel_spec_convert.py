"""Turn the public CEL specification's test files into tests/data/cel-spec/cases.jsonl.

    python -m tests.conformance.cel_spec_convert DIRECTORY

DIRECTORY holds the *.textproto files of https://github.com/google/cel-spec, tests/simple/testdata. Left out are cases
that need protobuf messages or enums, that only check deduced types, or that are about unknowns.

One case a line: `id` (file/section/name), `expr`, then what differs from the default: `container`, `check` (false: run
without check), `vars` (name to value), and either `value` (absent: true) or `error`. A value is written as JSON where
JSON has its like (null, bool, string, and a number with a fraction as double), and else as an object with one key:
{"int": "1"}, {"uint": "1"}, {"double": "inf"}, {"bytes": base64}, {"list": [...]}, {"map": [[key, value], ...]},
{"type": name}, {"timestamp": text}, {"duration": text}.
"""

import ast
import base64
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

CORE = ("basic", "logic", "plumbing", "fp_math", "comparisons", "conversions", "fields", "integer_math", "lists")
MORE = ("macros", "namespace", "parse", "string", "timestamps", "dynamic", "type_deduction")
EXTENSIONS = ("macros2", "bindings_ext", "encoders_ext", "math_ext", "string_ext", "optionals", "network_ext")
_TOKEN = re.compile(
    r"\s+|#[^\n]*|(?P<text>\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*')|(?P<word>[-+.\w]+)|(?P<mark>[{}\[\]:<>,;/])"
)
_UNICODE = re.compile(r"\\\\|\\(u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8})")
Message = dict[str, list[Any]]


class NotApplicable(Exception):
    """A case that needs protobuf messages."""


def tokens(text: str) -> Iterator[tuple[str, str]]:
    at = 0
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            raise SystemExit(f"cannot read the test file at {text[at : at + 40]!r}")
        if match.lastgroup:
            yield match.lastgroup, match[0]
        at = match.end()
    yield "end", ""


class Reader:
    """Protobuf's text format, as far as these files use it, to dicts of lists."""

    def __init__(self, text: str) -> None:
        self._tokens = list(tokens(text))
        self._at = 0

    def _next(self) -> tuple[str, str]:
        self._at += 1
        return self._tokens[self._at - 1]

    def _peek(self) -> str:
        return self._tokens[self._at][1]

    def message(self, end: str = "") -> Message:
        made: Message = {}
        while self._peek() != end:
            name = self._name()
            if self._peek() == ":":
                self._next()
            for value in self._values():
                made.setdefault(name, []).append(value)
            if self._peek() in (",", ";"):
                self._next()
        self._next()
        return made

    def _name(self) -> str:
        _, text = self._next()
        if text != "[":
            return text
        parts = []
        while self._peek() != "]":
            parts.append(self._next()[1])
        self._next()
        return "[" + "".join(parts) + "]"

    def _values(self) -> Iterator[Any]:
        if self._peek() == "[":
            self._next()
            while self._peek() != "]":
                yield self._value()
                if self._peek() == ",":
                    self._next()
            self._next()
        else:
            yield self._value()

    def _value(self) -> Any:
        kind, text = self._next()
        if text in ("{", "<"):
            return self.message("}" if text == "{" else ">")
        if kind != "text":
            return text
        octets = _octets(text)
        while self._tokens[self._at][0] == "text":
            octets += _octets(self._next()[1])
        return octets


def _octets(literal: str) -> bytes:
    # Escapes of the text format are those of Python's bytes, but for \u, \U, \? and \`.
    escaped = re.sub(r"\\([?`])", r"\1", literal)
    escaped = _UNICODE.sub(lambda match: chr(int(match[1][1:], 16)) if match[1] else match[0], escaped)
    plain = "".join(c if ord(c) < 128 else "".join(f"\\x{octet:02x}" for octet in c.encode()) for c in escaped)
    value = ast.literal_eval("b" + plain)
    assert isinstance(value, bytes)
    return value


def convert_value(value: Message) -> Any:
    ((kind, (held, *_)),) = value.items()
    match kind:
        case "null_value":
            return None
        case "bool_value":
            return held == "true"
        case "int64_value":
            return {"int": str(int(held, 0))}
        case "uint64_value":
            return {"uint": str(int(held, 0))}
        case "double_value":
            return _double(held)
        case "string_value":
            return held.decode()
        case "bytes_value":
            return {"bytes": base64.b64encode(held).decode()}
        case "type_value":
            return {"type": held.decode()}
        case "list_value":
            return {"list": [convert_value(item) for item in held.get("values", ())]}
        case "map_value":
            entries = held.get("entries", ())
            return {"map": [[convert_value(entry["key"][0]), convert_value(entry["value"][0])] for entry in entries]}
        case "object_value":
            return _object(held)
    raise NotApplicable(kind)


def _double(text: str) -> Any:
    number = float(text)
    return number if number - number == 0 else {"double": str(number)}


def _object(held: Message) -> Any:
    ((name, (fields, *_)),) = held.items()
    seconds = int(fields.get("seconds", ["0"])[0])
    nanos = int(fields.get("nanos", ["0"])[0])
    if name.endswith("/google.protobuf.Timestamp]"):
        return {"timestamp": [seconds, nanos]}
    if name.endswith("/google.protobuf.Duration]"):
        return {"duration": [seconds, nanos]}
    raise NotApplicable(name)


def convert_case(file: str, section: str, test: Message) -> dict[str, Any]:
    source = test["expr"][0].decode()
    if re.search(r"TestAllTypes|google\.protobuf\.\w+\s*\{|NullValue|GlobalEnum|NestedEnum", source):
        raise NotApplicable("message")
    if "unknown" in test or "any_unknowns" in test or "check_only" in test:
        raise NotApplicable("unknown")
    case: dict[str, Any] = {"id": f"{file}/{section}/{test['name'][0].decode()}", "expr": source}
    if "container" in test:
        case["container"] = test["container"][0].decode()
    if "disable_check" in test:
        case["check"] = False
    bindings = {binding["key"][0].decode(): _binding(binding) for binding in test.get("bindings", ())}
    if bindings:
        case["vars"] = bindings
    declared = [entry["name"][0].decode() for entry in test.get("type_env", ()) if "ident" in entry]
    if set(declared) - set(bindings):
        case["declared"] = declared
    if "eval_error" in test or "any_eval_errors" in test:
        case["error"] = True
    elif "value" in test or "typed_result" in test:
        value = test["value"][0] if "value" in test else test["typed_result"][0]["result"][0]
        case["value"] = convert_value(value)
    return case


def _binding(binding: Message) -> Any:
    return convert_value(binding["value"][0]["value"][0])


def convert(directory: Path) -> Iterator[dict[str, Any]]:
    for file in (*CORE, *MORE, *EXTENSIONS):
        tests = Reader((directory / f"{file}.textproto").read_text()).message()
        for section in tests["section"]:
            for test in section.get("test", ()):
                try:
                    yield convert_case(file, section["name"][0].decode(), test)
                except NotApplicable:
                    continue


def main() -> None:
    cases = list(convert(Path(sys.argv[1])))
    lines = (json.dumps(case, ensure_ascii=False, separators=(",", ":")) for case in cases)
    target = Path(__file__).parent.parent / "data" / "cel-spec" / "cases.jsonl"
    target.write_text("\n".join(lines) + "\n")
    print(f"{len(cases)} cases in {target}")


if __name__ == "__main__":
    main()
