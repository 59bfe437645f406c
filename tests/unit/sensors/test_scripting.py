"""jq and Lua in their own process: no environment, no files, limits, and a new process after one was killed."""

from collections.abc import Iterator

import pytest

from eventflow.sensors.decision import FilterError
from eventflow.sensors.evaluators import NOTHING
from eventflow.sensors.scripting import Scripts


@pytest.fixture(scope="module")
def scripts() -> Iterator[Scripts]:
    with Scripts(timeout=20) as running:
        yield running


def test_jq_gives_its_first_output(scripts: Scripts) -> None:
    assert scripts.jq(".a, .b", {"a": [1, "é"], "b": 2}) == [1, "é"]
    assert scripts.jq("empty", {}) is NOTHING
    assert scripts.jq("keys_unsorted", {"b": 1, "a": 2}) == ["a", "b"]


def test_lua_gives_its_last_result(scripts: Scripts) -> None:
    assert scripts.lua("return false, event.n + 1", {"n": 2}) == 3
    assert scripts.lua("local x = 1", {}) is NOTHING


def test_lists_stay_lists_through_lua(scripts: Scripts) -> None:
    value = {"empty": [], "nested": [[1], [2, 3]], "object": {}, "text": "ü"}
    assert scripts.lua("return event", value) == value


def test_globals_of_one_script_are_unknown_to_the_next(scripts: Scripts) -> None:
    assert scripts.lua("leak = 1 return leak", {}) == 1
    assert scripts.lua("return leak", {}) is NOTHING


def test_there_is_no_environment(scripts: Scripts) -> None:
    assert scripts.jq("env", {}) == {}
    assert scripts.jq("$ENV | length", {}) == 0


@pytest.mark.parametrize("name", ["io", "os", "package", "require", "dofile", "loadfile", "debug", "python", "module"])
def test_lua_has_no_way_out(scripts: Scripts, name: str) -> None:
    assert scripts.lua(f"return {name} == nil", {}) is True


@pytest.mark.parametrize(
    "script", ["return {f = print}", "return {x = 1/0}", "local t = {} t.t = t return t", "return {[1e6] = 1}"]
)
def test_what_is_no_json_is_refused(scripts: Scripts, script: str) -> None:
    with pytest.raises(FilterError) as refusal:
        scripts.lua(script, {})
    assert refusal.value.reason == "transform"


@pytest.mark.parametrize(
    ("language", "script"), [("jq", "{"), ("jq", ".a.b"), ("Lua", "return ("), ("Lua", "error('x')")]
)
def test_failures_are_errors(scripts: Scripts, language: str, script: str) -> None:
    with pytest.raises(FilterError, match=language):
        getattr(scripts, language.lower())(script, {"a": 1})


def test_memory_is_limited(scripts: Scripts) -> None:
    with pytest.raises(FilterError):
        scripts.lua("return #string.rep('x', 1e9)", {})
    assert scripts.lua("return 1", {}) == 1


def test_a_script_that_takes_too_long_is_killed_and_the_next_runs() -> None:
    with Scripts(timeout=3) as impatient:
        with pytest.raises(FilterError, match="longer than 3 s"):
            impatient.lua("while true do end", {})
        assert impatient.lua("return 2", {}) == 2


def test_large_values_pass_the_pipe(scripts: Scripts) -> None:
    text = "x" * 3_000_000
    assert scripts.jq(".t | length", {"t": text}) == len(text)
    assert scripts.jq(".t", {"t": text}) == text
