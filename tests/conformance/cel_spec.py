"""Run the public CEL specification's test cases (tests/data/cel-spec/cases.jsonl) against our engine.

python -m tests.conformance.cel_spec        prints a count per file and the failing ids
"""

import base64
import collections
import json
import math
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from eventflow.errors import UserError
from eventflow.expressions.cel import engine
from eventflow.expressions.cel.errors import CelError
from eventflow.expressions.cel.temporal import SECOND, Duration, Timestamp
from eventflow.expressions.cel.values import Optional, Type, Uint

CASES = Path(__file__).parent.parent / "data" / "cel-spec" / "cases.jsonl"
EXTENSIONS = frozenset(
    ("macros2", "bindings_ext", "encoders_ext", "math_ext", "string_ext", "optionals", "network_ext")
)


def cases() -> Iterator[dict[str, Any]]:
    with CASES.open() as lines:
        yield from map(json.loads, lines)


def is_core(case_id: str) -> bool:
    """Whether the case is about the language itself and not an extension."""
    return case_id.partition("/")[0] not in EXTENSIONS


def run() -> tuple[list[str], list[str]]:
    """The ids of the cases that passed, and of those that failed."""
    passed: list[str] = []
    failed: list[str] = []
    for case in cases():
        (failed if why_wrong(case) else passed).append(case["id"])
    return passed, failed


def why_wrong(case: dict[str, Any]) -> str:
    """What is wrong with our outcome of a case; empty when nothing is."""
    wants_error = case.get("error", False)
    try:
        value = _evaluate(case)
    except (CelError, UserError) as error:
        return "" if wants_error else f"{type(error).__name__}: {error}"
    if wants_error:
        return f"gave {value!r} instead of an error"
    wanted = decode(case.get("value", True))
    return "" if same(value, wanted) else f"gave {value!r} instead of {wanted!r}"


def _evaluate(case: dict[str, Any]) -> Any:
    variables = {name: decode(value) for name, value in case.get("vars", {}).items()}
    names = frozenset((*variables, *case.get("declared", ())))
    container = case.get("container", "")
    if container or not case.get("check", True):
        return engine.unchecked(case["expr"], variables=names, container=container).evaluate(variables)
    return engine.compile(case["expr"], variables=names).evaluate(variables)


def decode(value: Any) -> Any:
    """A value of the case file as our engine has it; see cel_spec_convert for the form."""
    if not isinstance(value, dict):
        return value
    ((kind, held),) = value.items()
    match kind:
        case "int":
            return int(held)
        case "uint":
            return Uint(int(held))
        case "double":
            return float(held)
        case "bytes":
            return base64.b64decode(held)
        case "list":
            return [decode(item) for item in held]
        case "map":
            return {decode(key): decode(item) for key, item in held}
        case "type":
            return Type(held)
        case "timestamp":
            return Timestamp(held[0] * SECOND + held[1])
    assert kind == "duration", kind
    return Duration(held[0] * SECOND + held[1])


def same(a: Any, b: Any) -> bool:
    """Equal in type as well; a NaN is equal to itself. An optional is compared by what it holds."""
    if isinstance(a, Optional):
        return same(a.value, b)
    if type(a) is not type(b):
        return False
    if isinstance(a, float) and math.isnan(a):
        return math.isnan(b)
    if isinstance(a, list):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(same(a[key], b[key]) for key in a)
    return bool(a == b)


def main() -> None:
    counts: dict[str, list[int]] = collections.defaultdict(lambda: [0, 0])
    for case in cases():
        reason = why_wrong(case)
        counts[case["id"].partition("/")[0]][bool(reason)] += 1
        if reason:
            print(f"{case['id']}\n    {case['expr'][:200]}\n    {reason[:300]}")
    core = [0, 0]
    for name, (good, bad) in counts.items():
        print(f"{name:16} {good:5} passed {bad:4} failed")
        if name not in EXTENSIONS:
            core = [core[0] + good, core[1] + bad]
    print(f"{'core':16} {core[0]:5} passed {core[1]:4} failed")
    sys.exit(0)


if __name__ == "__main__":
    main()
