"""Judge of expressions/when: `when` after substitution. Of its defects none is decided otherwise."""

from typing import Any

from eventflow.expressions.errors import WhenError
from eventflow.expressions.when import evaluate_when

TABLE = "expressions/when"


def judge(case: dict[str, Any]) -> str | None:
    """Return the difference to what Argo did, None if there is none."""
    try:
        answer = evaluate_when(case["when"])
    except WhenError as error:
        return None if case.get("error") else f"expected {case['outcome']['execute']}, refused: {error}"
    if case.get("error"):
        return f"expected an error ({case['error_class']}), got {answer}"
    expected = case["outcome"]["execute"]
    return None if answer is expected else f"expected {expected}, got {answer}"
