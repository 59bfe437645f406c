"""The state of one evaluation: variables, what predicates look at, and how much work is left."""

from collections.abc import Mapping
from typing import Any

from eventflow.expressions.expr.environment import Environment, Randomness
from eventflow.expressions.expr.errors import Fault

MAXIMUM_STEPS = 1_000_000
MAXIMUM_TEXT = 32 * 1024 * 1024


class Cursor:
    """Where a predicate stands: the element, its index, and the accumulator of `reduce`."""

    __slots__ = ("accumulator", "index", "item")

    def __init__(self) -> None:
        self.item: Any = None
        self.index = 0
        self.accumulator: Any = None


class Frame:
    """Everything that the closures of a program share during one evaluation."""

    __slots__ = ("bound", "cursor", "environment", "random", "steps", "strict", "variables")

    def __init__(self, variables: Mapping[str, Any], environment: Environment, *, strict: bool) -> None:
        self.variables = variables
        self.environment = environment
        self.random = Randomness(environment.seed)
        self.strict = strict
        self.bound: dict[str, Any] = {}
        self.cursor = Cursor()
        self.steps = MAXIMUM_STEPS

    def spend(self, steps: int) -> None:
        """Count work done. Raises Fault when an evaluation has done too much."""
        self.steps -= steps
        if self.steps < 0:
            raise Fault(f"the evaluation takes more than {MAXIMUM_STEPS} steps")
