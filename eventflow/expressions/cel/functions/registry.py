"""How a function is described: its types serve the checker, and guard the call at run time."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from eventflow.expressions.cel.limits import Budget
from eventflow.expressions.cel.values import CLASSES, no_overload

Form = Literal["member", "free", "either"]
Run = Callable[..., Any]

ANY = "dyn"
NUMBER = "int|uint|double"


@dataclass(frozen=True, slots=True)
class Function:
    """One function of the library.

    `run` is called with the evaluated arguments, the receiver of a member call first; before them with the budget
    when `budgeted`. `params` holds the types each argument may have, empty for any. `linear` says that the time grows
    with the size of the arguments, so calls inside macros are metered. `foldable` functions read one string constant
    (a timestamp, say), which is done once when the expression is compiled. `pattern` is the position of an argument
    that is a regular expression.
    """

    name: str
    run: Run
    params: tuple[frozenset[str], ...]
    required: int
    result: str
    form: Form
    variadic: bool = False
    budgeted: bool = False
    linear: bool = False
    foldable: bool = False
    pattern: int | None = None

    def takes(self, count: int) -> bool:
        """Whether it can be called with so many arguments, the receiver included."""
        return self.required <= count and (self.variadic or count <= len(self.params))

    @property
    def signature(self) -> str:
        """For messages: `size(x)`, `string.split(separator)` in types."""
        kinds = ["|".join(sorted(param)) or ANY for param in self.params]
        shown = [kind if i < self.required else f"[{kind}]" for i, kind in enumerate(kinds)]
        if self.form == "member":
            return f"{shown[0]}.{self.name}({', '.join(shown[1:])})"
        return f"{self.name}({', '.join(shown)}{', ...' if self.variadic else ''})"


def define(
    name: str,
    run: Run,
    params: str,
    result: str,
    *,
    form: Form = "member",
    required: int | None = None,
    variadic: bool = False,
    budgeted: bool = False,
    linear: bool = False,
    foldable: bool = False,
    pattern: int | None = None,
    guarded: bool = True,
) -> Function:
    """A function whose `params` are written as `string, int|double`; `required` of them, by default all, must be given.

    `run` sees only arguments of these types, unless `guarded` is false: then it checks them itself (for speed).
    """
    kinds = tuple(_kinds(param.strip()) for param in params.split(",")) if params else ()
    return Function(
        name,
        _guard(name, run, kinds, budgeted) if guarded else run,
        kinds,
        len(kinds) if required is None else required,
        result,
        form,
        variadic,
        budgeted,
        linear,
        foldable,
        pattern,
    )


def _kinds(param: str) -> frozenset[str]:
    return frozenset() if param == ANY else frozenset(param.split("|"))


def _guard(name: str, run: Run, kinds: tuple[frozenset[str], ...], budgeted: bool) -> Run:
    classes = [frozenset(cls for kind in param for cls in CLASSES[kind]) for param in kinds]

    def check(arguments: tuple[Any, ...]) -> None:
        for value, allowed in zip(arguments, classes, strict=False):
            if allowed and value.__class__ not in allowed:
                raise no_overload(name, *arguments)

    def guarded(*arguments: Any) -> Any:
        check(arguments)
        return run(*arguments)

    def guarded_with_budget(budget: Budget, *arguments: Any) -> Any:
        check(arguments)
        return run(budget, *arguments)

    if len(classes) == 1 and not budgeted and classes[0]:
        return _guard_one(name, run, classes[0])
    return guarded_with_budget if budgeted else guarded


def _guard_one(name: str, run: Run, allowed: frozenset[type]) -> Run:
    """The same for the commonest form, for speed."""

    def guarded(value: Any) -> Any:
        if value.__class__ not in allowed:
            raise no_overload(name, value)
        return run(value)

    return guarded
