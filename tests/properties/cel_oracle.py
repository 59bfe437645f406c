"""Random CEL expressions over random JSON events: our engine against Google's, cel-expr-python.

    python -m tests.properties.cel_oracle --count 50000 --seed 1

That engine returns errors as values (Value.type() == Type.ERROR). An error of ours must be an error there, and a value
the same value of the same type; and an expression whose types our checker refuses must be
refused there, or fail.
"""

import argparse
import datetime
import math
import random
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from cel_expr_python import cel
from cel_expr_python.ext import ext_bindings, ext_encoders, ext_math, ext_optional, ext_strings

from eventflow.errors import UserError
from eventflow.expressions.cel import engine
from eventflow.expressions.cel.errors import CelError
from eventflow.expressions.cel.temporal import Duration, Timestamp
from eventflow.expressions.cel.values import Type

VARIABLES = frozenset(("event",))
FIELDS = ("a", "b", "c", "d", "n", "s", "list", "map", "deep")
ERROR = ("error",)
_TYPE_NAMES = {
    "NULL": "null_type",
    "TIMESTAMP": "google.protobuf.Timestamp",
    "DURATION": "google.protobuf.Duration",
}
_Random = random.Random


def random_event(rng: _Random) -> dict[str, Any]:
    """A JSON object whose fields have any type, and where some are missing."""
    return {field: random_json(rng, 3) for field in FIELDS if rng.random() < 0.8}


def random_json(rng: _Random, depth: int) -> Any:
    kinds = 11 if depth else 8
    match rng.randrange(kinds):
        case 0:
            return None
        case 1:
            return rng.random() < 0.5
        case 2 | 3:
            return rng.choice((0, 1, 2, 3, -1, 10, 1000, 2**31, 2**53 + 1, 2**63 - 1, -(2**63)))
        case 4:
            return rng.choice((0.0, 1.0, 1.5, -2.5, 3.0, 1e300, 9007199254740993.0, -0.0))
        case 5 | 6 | 7:
            return rng.choice(("", "a", "b", "abc", "1", "2.5", "true", "ä€😀", "x y", "2026-01-02T03:04:05Z", "1h30m"))
        case 8:
            return [random_json(rng, depth - 1) for _ in range(rng.randrange(4))]
        case 9:
            return [rng.choice((1, 2, 3, "a", "b")) for _ in range(rng.randrange(5))]
    return {field: random_json(rng, depth - 1) for field in rng.sample(FIELDS, rng.randrange(3))}


class Expressions:
    """Makes expressions: mostly of the type asked for, sometimes of any."""

    def __init__(self, rng: _Random) -> None:
        self._rng = rng
        self._locals: list[str] = []

    def make(self, kind: str, depth: int) -> str:
        if depth <= 0 or self._rng.random() < 0.1:
            return self.leaf(kind)
        if self._rng.random() < 0.12:
            kind = self._rng.choice(("bool", "number", "string", "list", "map", "any"))
        forms = [*_FORMS.get(kind, ()), *_FORMS["any"]]
        return self._fill(self._rng.choice(forms), depth)

    def _fill(self, form: str, depth: int) -> str:
        """Replace %b %n %s %l %m %a by expressions of a kind, %f by a field, %v by a new
        variable that what follows may use."""
        out, opened, at = [], 0, 0
        kinds = {"b": "bool", "n": "number", "s": "string", "l": "list", "m": "map", "a": "any"}
        while at < len(form):
            if form[at] != "%":
                out.append(form[at])
                at += 1
                continue
            mark = form[at + 1]
            at += 2
            if mark == "%":
                out.append("%")
            elif mark == "f":
                out.append(self._rng.choice(FIELDS))
            elif mark == "v":
                name = self._rng.choice(("x", "y", "z")) + str(len(self._locals))
                self._locals.append(name)
                opened += 1
                out.append(name)
            else:
                out.append(self.make(kinds[mark], depth - 1))
        if opened:
            del self._locals[-opened:]
        return "".join(out)

    def leaf(self, kind: str) -> str:
        roll = self._rng.random()
        if self._locals and roll < 0.3:
            return self._rng.choice(self._locals)
        if roll < 0.65:
            return self._path()
        return self._rng.choice(_LITERALS.get(kind) or [text for texts in _LITERALS.values() for text in texts])

    def _path(self) -> str:
        path = self._rng.choice(self._locals) if self._locals and self._rng.random() < 0.3 else "event"
        for _ in range(self._rng.randrange(1, 3)):
            path += f".{self._rng.choice(FIELDS)}"
        return path


# Maps of one key: Google's engine walks larger ones in an order of its own.
_LITERALS = {
    "bool": ["true", "false"],
    "number": ["0", "1", "2", "-1", "7", "1.0", "1.5", "-0.5", "1u", "3u", "9223372036854775807", "1e3"],
    "string": ['""', '"a"', '"abc"', "'1'", "'b'", "r'\\d'", "'ä€😀'", '"true"', "'2.5'"],
    "list": ["[]", "[1, 2, 3]", "['a', 'b']", "[1, 'a', null, 2.0]", "[[1], [2, 3]]", "[true]"],
    "map": ["{}", "{'a': 1}", "{'a': {'b': 2}}", "{2: 'y'}", "{true: 1}"],
    "any": ["null", "b'xy'", "timestamp('2026-01-02T03:04:05.678Z')", "duration('90m')", "int", "string"],
}
_FORMS = {
    "bool": (
        *(f"(%a {operator} %a)" for operator in ("==", "!=", "==", "!=")),
        *(f"(%n {operator} %n)" for operator in ("<", "<=", ">", ">=")),
        *(f"(%s {operator} %s)" for operator in ("<", ">=", "==")),
        *("(%b && %b)", "(%b || %b)", "(%b && %b && %b)", "(%b || %b || %b)", "!%b", "(%b ? %b : %b)") * 2,
        *("has(event.%f)", "has(event.%f.%f)", "has(%m.%f)", "(%a in %l)", "(%s in %m)", "(%a in %m)"),
        *("%l.exists(%v, %b)", "%l.all(%v, %b)", "%l.exists_one(%v, %b)", "%m.exists(%v, %b)", "%m.all(%v, %b)") * 2,
        *("%s.contains(%s)", "%s.startsWith(%s)", "%s.endsWith(%s)", "%s.matches('^[a-c]+$')"),
        *(
            "bool(%a)",
            "(type(%a) == type(%a))",
            "(type(%a) == int)",
            "math.isNaN(%n)",
            "(timestamp(%s) < timestamp(%s))",
        ),
        *("event.?%f.hasValue()", "%m.?%f.hasValue()", "%l[?%n].hasValue()", "event.?%f.optMap(%v, %b).orValue(%b)"),
    ),
    "number": (
        *(f"(%n {operator} %n)" for operator in ("+", "-", "*", "/", "%%")),
        *("size(%s)", "%l.size()", "size(%m)", "-%n", "int(%a)", "double(%a)", "uint(%a)", "(%b ? %n : %n)"),
        *("%s.indexOf(%s)", "%s.lastIndexOf(%s)", "%s.indexOf(%s, %n)", "timestamp(%s).getHours()", "int(%s)"),
        *("math.greatest(%n, %n)", "math.least(%n, %n)", "math.abs(%n)", "math.ceil(%n)", "math.sign(%n)"),
        *("math.bitAnd(%n, %n)", "math.bitShiftLeft(%n, %n)", "math.round(%n)", "duration(%s).getMinutes()"),
        "event.?%f.orValue(%n)",
    ),
    "string": (
        *("(%s + %s)", "string(%a)", "%s.lowerAscii()", "%s.upperAscii()", "%s.trim()", "%s.replace(%s, %s)"),
        *("%s.substring(%n)", "%s.substring(%n, %n)", "%s.charAt(%n)", "%l.join(%s)", "%l.join()", "(%b ? %s : %s)"),
        *(
            "%s.replace(%s, %s, %n)",
            "event.?%f.orValue(%s)",
            "'%%s-%%s'.format([size(%s), string(%b)])",
            "base64.encode(bytes(%s))",
        ),
    ),
    "list": (
        *("%l.map(%v, %a)", "%l.filter(%v, %b)", "%l.map(%v, %b, %a)", "%m.map(%v, %a)", "[%a, %a]", "(%l + %l)"),
        *("%s.split(%s)", "(%b ? %l : %l)", "[?event.?%f, %a]", "%s.split(%s, %n)"),
    ),
    "map": ("{'a': %a}", "{%s: %a}", "(%b ? %m : %m)", "{?'a': event.?%f}", "{%n: %a}"),
    "any": ("%a.%f", "%m.%f", "%m[%s]", "%l[%n]", "%a[%a]", "(%b ? %a : %a)", "cel.bind(%v, %a, %a)", "dyn(%a)"),
}


@dataclass(frozen=True)
class Difference:
    expression: str
    event: dict[str, Any]
    ours: Any
    theirs: Any

    def __str__(self) -> str:
        return f"{self.expression}\n    event  {self.event}\n    ours   {self.ours}\n    theirs {self.theirs}"


class Oracle:
    """Google's engine with the extensions that ours has, too."""

    def __init__(self) -> None:
        self._environment = cel.NewEnv(
            variables={"event": cel.Type.DYN},
            extensions=[
                ext_strings.ExtStrings(),
                ext_math.ExtMath(),
                ext_optional.ExtOptional(),
                ext_bindings.ExtBindings(),
                ext_encoders.ExtEncoders(),
            ],
        )

    def evaluate(self, expression: str, event: dict[str, Any]) -> Any:
        """The outcome in comparable form; None when this engine does not compile it or cannot show the value."""
        try:
            program = self._environment.compile(expression, disable_check=True)
        except Exception:
            return None
        value = program.eval(data={"event": event})
        if value.type() == cel.Type.ERROR:
            return ERROR
        try:
            return comparable(value.plain_value(), value.type().name())
        except TypeError:
            return None

    def accepts(self, expression: str) -> bool:
        """Whether its type checker lets the expression pass."""
        try:
            self._environment.compile(expression)
        except Exception:
            return False
        return True


def comparable(value: Any, kind: str = "") -> Any:
    """A value with its type, the same for both engines. Google's shows unsigned integers as integers."""
    match value:
        case bool() | None | str() | bytes():
            return value
        case int():
            return ("int", int(value))
        case float():
            return ("double", "nan" if math.isnan(value) else repr(value))
        case Timestamp():
            return ("timestamp", value.ns // 1000)
        case Duration():
            return ("duration", abs(value.ns) // 1000 * (1 if value.ns >= 0 else -1))
        case datetime.datetime():
            return ("timestamp", Timestamp.of(value).ns // 1000)
        case datetime.timedelta():
            return ("duration", round(value / datetime.timedelta(microseconds=1)))
        case list():
            return [comparable(item) for item in value]
        case dict():
            return ("map", sorted(((repr(comparable(k)), comparable(v)) for k, v in value.items()), key=repr))
        case Type():
            return ("type", value.name)
        case cel.Type():
            return ("type", _TYPE_NAMES.get(value.name(), value.name().lower().partition("<")[0]))
    raise TypeError(f"cannot compare {type(value)}")


def our_outcome(expression: str, event: dict[str, Any]) -> Any:
    try:
        return comparable(engine.unchecked(expression, variables=VARIABLES).evaluate({"event": event}))
    except CelError:
        return ERROR
    except (UserError, TypeError) as error:
        return f"{type(error).__name__}: {error}"


def differences(count: int, seed: int) -> Iterator[Difference]:
    """Try `count` expressions that both engines can run, each on one event."""
    rng = random.Random(seed)
    oracle = Oracle()
    tried = 0
    while tried < count:
        expression = Expressions(rng).make(rng.choice(("bool", "bool", "any")), rng.randrange(1, 5))
        event = random_event(rng)
        theirs = oracle.evaluate(expression, event)
        if theirs is None or len(expression) > 2000:
            continue
        tried += 1
        ours = our_outcome(expression, event)
        if ours != theirs and reordered(expression, event) != theirs and not _stale(expression):
            yield Difference(expression, event, ours, theirs)
        elif _refused(expression) and theirs != ERROR and oracle.accepts(expression):
            yield Difference(expression, event, f"refused: {_refused(expression)}", theirs)


def reordered(expression: str, event: dict[str, Any]) -> Any:
    """Our outcome when the maps of the event (of two keys at most) are the other way round: Google's engine walks
    them in an order of its own."""
    return our_outcome(expression, _reversed(event))


def _reversed(value: Any) -> Any:
    if isinstance(value, list):
        return [_reversed(item) for item in value]
    return {key: _reversed(value[key]) for key in reversed(value)} if isinstance(value, dict) else value


def _stale(expression: str) -> bool:
    """Whether it may meet a defect of Google's engine: a variable of cel.bind() or optMap() may stand for a value that
    a macro before it left behind: ["a", "b"].all(x, false) ? 1 : cel.bind(y, duration("1s"), y) == duration("1s") is
    false there."""
    walks = any(f".{macro}(" in expression for macro in ("all", "exists", "exists_one", "map", "filter"))
    return walks and ("cel.bind(" in expression or ".optMap(" in expression)


def _refused(expression: str) -> str:
    """Why our checker refuses an expression for its types; it may refuse more: bad constants, null as an
    argument, too many steps, int() of a duration (which fails there only when it runs)."""
    try:
        engine.compile(expression, variables=VARIABLES)
    except UserError as error:
        reason = str(error)
        return (
            "" if any(word in reason for word in ("null", "(): ", " steps ", "'int' applied to (duration)")) else reason
        )
    return ""


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--count", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    found = 0
    for difference in differences(options.count, options.seed):
        found += 1
        print(difference)
    print(f"{options.count} expressions, {found} differences")
    sys.exit(bool(found))


if __name__ == "__main__":
    main()
