"""Whatever the text and whatever the event: a program or a CelProblem, a value or a CelError, nothing else."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from eventflow.expressions.cel import engine
from eventflow.expressions.cel.errors import CelError, CelProblem
from eventflow.expressions.cel.functions import library

VARIABLES = frozenset(("event",))
PIECES = (
    *(
        "event",
        ".a",
        ".b",
        "['a']",
        "[0]",
        "[?0]",
        ".?a",
        "x",
        "(",
        ")",
        "[",
        "]",
        "{",
        "}",
        ",",
        ":",
        "?",
        "!",
        "-",
        ".",
    ),
    *(" && ", " || ", " == ", " != ", " < ", " >= ", " in ", " + ", " - ", " * ", " / ", " % "),
    *("1", "2.5", "3u", "'s'", '"""t"""', "b'x'", "r'\\'", "true", "null", "has(event.a)", "`q`", "//c\n", "\n"),
    *(".map(x, ", ".exists(x, ", ".all(x, y, ", ".filter(x, ", "cel.bind(x, ", ".transformMap(k, v, ", ".sortBy(x, "),
    *(f".{name}(" for name, function in library.FUNCTIONS.items() if function.form != "free"),
    *(f"{name}(" for name, function in library.FUNCTIONS.items() if function.form != "member"),
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(("a", "b", "q", "")), inner, max_size=3)
    ),
    max_leaves=12,
)


def try_it(source: str, event: Any) -> None:
    outcome = _outcome(source, event)
    if isinstance(outcome, CelProblem):
        assert outcome.line >= 1
        assert outcome.column >= 1


def _outcome(source: str, event: Any) -> Any:
    try:
        program = engine.unchecked(source, variables=VARIABLES)
        assert all(finding.source for finding in program.explain({"event": event}))
        return engine.to_json(program.evaluate({"event": event}))
    except (CelProblem, CelError) as error:
        return error


@settings(max_examples=400, deadline=None)
@given(st.lists(st.sampled_from(PIECES), max_size=14), JSON)
def test_random_pieces(pieces: list[str], event: Any) -> None:
    try_it("".join(pieces), event)


@settings(max_examples=150, deadline=None)
@given(st.text(max_size=40), JSON)
def test_random_text(text: str, event: Any) -> None:
    try_it(text, event)


@settings(max_examples=150, deadline=None)
@given(st.data(), JSON)
def test_nested_forms(data: st.DataObject, event: Any) -> None:
    """Forms inside forms up to and beyond the limits, with all their parentheses in place."""
    forms = (
        *(
            "({} || event.a)",
            "(event.b && {})",
            "event.a.exists(x, {})",
            "event.all(x, {} || x)",
            "[{}]",
            "{{'a': {}}}",
        ),
        *(
            "({} ? 1 : 2)",
            "(event.a ? {} : event.b)",
            "(1 + {})",
            "cel.bind(x, {}, x || {})",
            "size({})",
            "-({})",
            "{}.a",
        ),
        *("event.map(x, {}, x)", "event.?a.optMap(x, {})", "optional.none().or({})", "({} == null)", "{}[0]"),
    )
    source = "event.a"
    for _ in range(data.draw(st.integers(0, 40))):
        form = data.draw(st.sampled_from(forms))
        source = form.replace("{}", source, 1).replace("{}", "event").replace("{{", "{").replace("}}", "}")
    try_it(source, event)
