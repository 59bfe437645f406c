"""Findings as text for people and as JSON, SARIF and GitHub annotations for machines."""

from collections import Counter
from collections.abc import Sequence
from typing import Any, Final

import orjson

from eventflow.lint import rules
from eventflow.lint.findings import Finding, Severity

_COLOURS: Final[dict[Severity, str]] = {"error": "31", "warning": "33", "info": "36"}
_LEVELS: Final[dict[Severity, str]] = {"error": "error", "warning": "warning", "info": "note"}
_COMMANDS: Final[dict[Severity, str]] = {"error": "error", "warning": "warning", "info": "notice"}
_TAB_WIDTH: Final = 4


def people(findings: Sequence[Finding], *, colour: bool = False) -> str:
    """Return the findings for reading: place, message, the line with a caret, the hint; then how many there are."""
    blocks = [_block(finding, colour=colour) for finding in findings]
    return "\n".join([*blocks, summary(findings)]) + "\n"


def summary(findings: Sequence[Finding]) -> str:
    """Return how many errors and warnings there are, in words."""
    counts = Counter(finding.severity for finding in findings)
    parts = [
        f"{counts[kind]} {kind}{'' if counts[kind] == 1 else 's'}" for kind in ("error", "warning") if counts[kind]
    ]
    return ", ".join(parts) or "no problems found"


def _block(finding: Finding, *, colour: bool) -> str:
    word = _paint(finding.severity, _COLOURS[finding.severity], colour)
    place = _paint(str(finding.location), "1", colour)
    lines = [f"{place}: {word}: {finding.message} [{finding.rule}]"]
    if finding.source.strip():
        number = str(finding.location.line)
        indent = " " * len(number)
        before = finding.source[: finding.location.column - 1].expandtabs(_TAB_WIDTH)
        caret = _paint("^", _COLOURS[finding.severity], colour)
        lines += [f"  {number} | {finding.source.expandtabs(_TAB_WIDTH)}", f"  {indent} | {' ' * len(before)}{caret}"]
    if finding.hint:
        lines.append(f"  hint: {finding.hint}")
    return "\n".join(lines) + "\n"


def _paint(text: str, code: str, colour: bool) -> str:
    return f"\x1b[{code}m{text}\x1b[0m" if colour else text


def json(findings: Sequence[Finding]) -> str:
    """Return a JSON list of objects: severity, rule, message, file, line, column, hint."""
    return orjson.dumps([_plain(finding) for finding in findings], option=orjson.OPT_INDENT_2).decode() + "\n"


def _plain(finding: Finding) -> dict[str, Any]:
    return {
        "severity": finding.severity,
        "rule": finding.rule,
        "message": finding.message,
        "file": finding.location.file,
        "line": finding.location.line,
        "column": finding.location.column,
        "hint": finding.hint,
    }


def sarif(findings: Sequence[Finding], version: str) -> str:
    """Return a SARIF 2.1.0 log, as code scanning services take it; `version` is eventflow's."""
    used = sorted({finding.rule for finding in findings})
    driver = {
        "name": "eventflow",
        "version": version,
        "rules": [{"id": rule, "shortDescription": {"text": rules.RULES[rule]}} for rule in used],
    }
    results = [_sarif_result(finding, used.index(finding.rule)) for finding in findings]
    log = {
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{"tool": {"driver": driver}, "columnKind": "unicodeCodePoints", "results": results}],
    }
    return orjson.dumps(log, option=orjson.OPT_INDENT_2).decode() + "\n"


def _sarif_result(finding: Finding, index: int) -> dict[str, Any]:
    place: dict[str, Any] = {"artifactLocation": {"uri": finding.location.file.replace("\\", "/")}}
    if finding.location.line:
        place["region"] = {"startLine": finding.location.line, "startColumn": max(finding.location.column, 1)}
    text = finding.message + (f" ({finding.hint})" if finding.hint else "")
    return {
        "ruleId": finding.rule,
        "ruleIndex": index,
        "level": _LEVELS[finding.severity],
        "message": {"text": text},
        "locations": [{"physicalLocation": place}],
    }


def github(findings: Sequence[Finding]) -> str:
    """Return workflow commands that make GitHub Actions annotate the lines."""
    return "".join(f"{_command(finding)}\n" for finding in findings)


def _command(finding: Finding) -> str:
    place = finding.location
    properties = {
        "file": place.file,
        "line": str(place.line or 1),
        "col": str(place.column or 1),
        "title": finding.rule,
    }
    listed = ",".join(f"{name}={_property(value)}" for name, value in properties.items())
    text = finding.message + (f" ({finding.hint})" if finding.hint else "")
    return f"::{_COMMANDS[finding.severity]} {listed}::{_data(text)}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
