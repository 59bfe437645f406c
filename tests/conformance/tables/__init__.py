"""Decision tables: one module a table, with `TABLE` and `judge(case)`."""

import importlib
import json
import pkgutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.conformance.verdict import Verdict

Judge = Callable[[dict[str, Any]], str | None]


def judges() -> dict[str, Judge]:
    """Return what judges each table, by the table's name."""
    found: dict[str, Judge] = {}
    for module in pkgutil.iter_modules(__path__):
        loaded = importlib.import_module(f"{__name__}.{module.name}")
        if hasattr(loaded, "TABLE"):
            found[loaded.TABLE] = loaded.judge
    return found


def judge(path: Path, only: str = "") -> Verdict:
    """Judge every line of a table; a table that no module knows is not runnable."""
    name = f"{path.parent.name}/{path.stem}"
    verdict = Verdict(name)
    known = judges().get(name)
    for line in filter(None, path.read_text().split("\n")):  # a case may hold other line separators
        case = json.loads(line)
        if only and only not in name and only not in case["id"]:
            continue
        if known is None:
            verdict.not_runnable[case["id"]] = f"no judge for the table {name}"
            continue
        try:
            difference = known(case)
        except Exception as error:  # a crash is a difference like any other
            difference = f"crashed: {error!r}"
        if difference is None:
            verdict.passed.append(case["id"])
        else:
            verdict.failed[case["id"]] = difference
    return verdict
