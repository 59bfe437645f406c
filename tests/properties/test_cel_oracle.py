"""Random expressions give what Google's engine gives.

Many more of them: python -m tests.properties.cel_oracle --count 50000
"""

import pytest

pytest.importorskip("cel_expr_python", reason="the reference engine is a development dependency")

from tests.properties import cel_oracle


def test_same_as_the_reference_engine() -> None:
    found = [str(difference) for difference in cel_oracle.differences(count=2000, seed=20260823)]
    assert not found, "\n".join(found)


def test_the_comparison_can_tell_outcomes_apart() -> None:
    oracle = cel_oracle.Oracle()
    event = {"a": 1}
    assert oracle.evaluate("event.missing", event) == cel_oracle.ERROR == cel_oracle.our_outcome("event.missing", event)
    assert oracle.evaluate("event.a", event) == ("int", 1) != cel_oracle.our_outcome("double(event.a)", event)
