"""The recorded tables of Argo's expression languages, where they are at hand."""

import json
import os
from pathlib import Path
from types import ModuleType

import pytest

from tests.conformance.tables import arguments, loop, template, when

ROOT = Path(os.environ.get("EVENTFLOW_CONFORMANCE") or Path(__file__).parents[4] / "shared" / "conformance")


@pytest.mark.parametrize("judge", [arguments, loop, template, when], ids=["arguments", "loop", "template", "when"])
def test_recorded_answers(judge: ModuleType) -> None:
    path = ROOT / f"{judge.TABLE}.jsonl"
    if not path.is_file():
        pytest.skip(f"{path} is absent: set EVENTFLOW_CONFORMANCE to the folder of recorded tables")
    # Not splitlines: it also cuts at the line separator U+2028, which occurs in values.
    cases = [json.loads(line) for line in path.read_text().split("\n") if line]
    differences = {case["id"]: found for case in cases if (found := judge.judge(case))}
    assert cases
    assert differences == {}


def test_judge_of_templates_sees_a_wrong_answer() -> None:
    case = {"template": '{"v":"{{x}}"}', "variables": {"x": "1"}, "outcome": {"result": '{"v":"2"}'}}
    assert "got {'v': '1'}" in (template.judge(case) or "")


def test_judge_of_templates_tells_missing_from_terminal() -> None:
    case = {"template": '{"v":"{{x}}"}', "variables": {}, "error": True, "error_class": "expression"}
    assert template.judge(case) is not None
    assert template.judge(case | {"error_class": "missing-variable"}) is None


def test_a_defect_is_no_licence_for_any_answer() -> None:
    case = {"when": "a == a", "outcome": {"execute": False}, "defect": True}
    assert when.judge(case) is not None
    broken = {"template": '{"v":"{{x}}"}', "variables": {"x": "\x07"}, "error": True, "error_class": "result-not-json"}
    assert template.judge(broken | {"defect": True}) is None
    assert template.judge(broken) is not None
