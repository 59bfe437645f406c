"""Judge of events/sourcefilter: which events a source's filter expression keeps."""

from typing import Any

from eventflow.model.document import Document
from eventflow.sources import filter as source_filter
from tests.conformance import event_fixtures

TABLE = "events/sourcefilter"


def judge(case: dict[str, Any]) -> str | None:
    """Return None where the case holds, else what differs. Errors are compared by class."""
    try:
        passed = source_filter.passes(case["expression"], event_fixtures.document(case) or Document(""))
    except source_filter.SourceFilterError as error:
        if error.reason == case.get("error_class"):
            return None
        return f"refused with {error.reason} ({error}), expected {case.get('error_class', 'an outcome')}"
    if case.get("error"):
        return f"passed {passed}, expected {case['error_class']}: {case['error_text']}"
    expected = case["outcome"]["passed"]
    return None if passed is expected else f"passed {passed}, expected {expected}"
