"""The recorded tables and corpora, as part of the suite, where they are at hand."""

import asyncio
import os
from pathlib import Path

import pytest

from tests.conformance import corpus, tables

DATA = Path(os.environ.get("EVENTFLOW_CONFORMANCE", Path(__file__).parents[3] / "shared" / "conformance"))
WITHOUT = f"no recorded data at {DATA}; set EVENTFLOW_CONFORMANCE to their directory"

# Lines that differ, with the reason; every other line of every table must hold.
KNOWN = {
    "conditions.http.34": "Go's header type equals no map at all; here a map of no headers equals {}",
    "depends.boolean.49": "a ternary is undocumented and not of the grammar; refused when submitted",
}
# Examples that this machine cannot run as recorded, with the reason.
KNOWN_EXAMPLES = {
    "variables-showcase": "its daemon needs an nc that knows -lk -p -e, as the recorder's image had",
    "timeouts-workflow": "waits for a node of another architecture, which no process sandbox can be short of",
}


@pytest.mark.skipif(not DATA.is_dir(), reason=WITHOUT)
@pytest.mark.parametrize("table", sorted(tables.judges()))
def test_a_recorded_table_holds(table: str) -> None:
    verdict = tables.judge(DATA / f"{table}.jsonl")
    assert not {case: text for case, text in verdict.failed.items() if case not in KNOWN}
    assert len(verdict.failed) <= verdict.total * 0.01
    assert verdict.passed


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.skipif(not DATA.is_dir(), reason=WITHOUT)
def test_the_examples_end_as_on_the_real_argo() -> None:
    verdict = asyncio.run(corpus.judge(DATA / "argo", "", jobs=40, patience=100.0))
    assert not {case: text for case, text in verdict.failed.items() if case not in KNOWN_EXAMPLES}
    assert len(verdict.passed) >= 150
