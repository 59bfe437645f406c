"""The conditions of a CronWorkflow: `when` and `stopStrategy`, over what it has done so far.

Variables: `cronworkflow.name`, `.namespace`, `.labels.<key>`, `.annotations.<key>`, `.labels.json`,
`.annotations.json`, `.lastScheduledTime`, `.failed`, `.succeeded`. Source: Argo v4.1.2 workflow/cron/operator.go,
docs/cron-workflows.md.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from eventflow.clock import parse_rfc3339
from eventflow.errors import UserError
from eventflow.expressions import template
from eventflow.expressions.expr import program
from eventflow.expressions.expr.environment import Environment
from eventflow.expressions.golang import moment
from eventflow.expressions.when import evaluate_when
from eventflow.model.document import dumps
from eventflow.sources.contract import Entry


@dataclass(frozen=True, slots=True)
class Facts:
    """A CronWorkflow and its status, at an instant in seconds since the epoch."""

    entry: Entry
    status: Mapping[str, Any]
    now: float

    def members(self) -> dict[str, Any]:
        """Return what expressions see as `cronworkflow`."""
        metadata = self.entry.config.get("metadata") or {}
        last = self.status.get("lastScheduledTime")
        return {
            "name": self.entry.source_name,
            "namespace": self.entry.namespace,
            "labels": dict(metadata.get("labels") or {}),
            "annotations": dict(metadata.get("annotations") or {}),
            "lastScheduledTime": moment.from_unix(parse_rfc3339(last)) if last else None,
            "failed": int(self.status.get("failed") or 0),
            "succeeded": int(self.status.get("succeeded") or 0),
        }

    def variables(self) -> dict[str, Any]:
        """Return what tags see, by dotted name."""
        members = self.members()
        found = {f"cronworkflow.{name}": members[name] for name in ("name", "namespace", "failed", "succeeded")}
        found["cronworkflow.lastScheduledTime"] = members["lastScheduledTime"]
        for group in ("labels", "annotations"):
            found |= {f"cronworkflow.{group}.{key}": value for key, value in members[group].items()}
            found[f"cronworkflow.{group}.json"] = dumps(members[group])
        return found


def applies(spec: Mapping[str, Any], facts: Facts) -> bool:
    """Whether `when` lets a run begin. Raises UserError when it cannot be evaluated."""
    condition = str(spec.get("when") or "")
    if not condition:
        return True
    surroundings = Environment(now=facts.now)
    rendered = template.substitute(condition, facts.variables(), allow_unresolved=False, environment=surroundings)
    return evaluate_when(str(rendered))


def stops(spec: Mapping[str, Any], facts: Facts) -> bool:
    """Whether `stopStrategy` ends the CronWorkflow. Raises UserError when it cannot be evaluated."""
    expression = str((spec.get("stopStrategy") or {}).get("expression") or "")
    if not expression:
        return False
    members = facts.members()
    variables = {"cronworkflow": members, **{name: members[name] for name in ("failed", "succeeded")}}
    value = program.compile(expression).evaluate(variables, Environment(now=facts.now))
    if not isinstance(value, bool):
        raise UserError(f"stopStrategy.expression gives {value!r}, not true or false")
    return value
