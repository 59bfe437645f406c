"""Judge of events/eventbinding: what a WorkflowEventBinding submits."""

import json
from typing import Any

from eventflow.sources import binding
from tests.conformance import event_fixtures

TABLE = "events/eventbinding"
_TEMPLATES = {("tmpl", False), ("ctmpl", True)}
_NOW = 1_700_000_000.0


def judge(case: dict[str, Any]) -> str | None:
    """Return None where the case holds, else what differs. Errors are compared by class.

    Documented answers to defects: texts arrive as they are, and integers keep their digits.
    """
    try:
        outcome = _outcome(case)
    except binding.BindingError as error:
        if error.reason == case.get("error_class") or case.get("defect"):
            return None
        return f"refused with {error.reason} ({error}), expected {case.get('error_class') or case['outcome']}"
    if case.get("error"):
        return f"gives {outcome}, expected {case['error_class']}: {case['error_text']}"
    if _same(case, outcome) or case.get("defect"):
        return None
    return f"gives {outcome}, expected {case['outcome']}"


def _same(case: dict[str, Any], outcome: dict[str, Any]) -> bool:
    return event_fixtures.same(outcome, case["outcome"])


def _outcome(case: dict[str, Any]) -> dict[str, Any]:
    spec = case["binding"]
    event = binding.BoundEvent(
        case.get("namespace", "ns"), case["discriminator"], case.get("headers") or {}, case.get("payload")
    )
    if not binding.select(spec, event, _NOW):
        return {"submitted": False}
    made = binding.submission(spec, event, _template(case), _NOW)
    if made is None:
        return {"submitted": False}
    reference: dict[str, Any] = {"name": made.template}
    if made.cluster_scope:
        reference["clusterScope"] = True
    return {
        "submitted": True,
        "arguments": [{"name": name, "value": value} for name, value in made.arguments],
        "labels": dict(made.labels),
        "annotations": dict(made.annotations),
        "generateName": made.generate_name,
        "workflowTemplateRef": reference,
        **({"name": made.name} if made.name else {}),
    }


def _template(case: dict[str, Any]) -> dict[str, Any] | None:
    reference = (case["binding"].get("submit") or {}).get("workflowTemplateRef") or {}
    if (reference.get("name"), bool(reference.get("clusterScope"))) not in _TEMPLATES:
        return None
    given: dict[str, Any] = case.get("workflowTemplate") or {}
    return json.loads(json.dumps(given)) or {"spec": {}}
