"""`data` templates: the keys below an artifact's location, transformed by expressions, as a JSON result.

After Argo v4.1.2 workflow/data/data.go and workflow/executor/data.go. Reading changes nothing, so it can be repeated.
"""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import Any, Protocol

from eventflow.artifacts import locations
from eventflow.artifacts.contract import Entry
from eventflow.engine.performers.contract import Task
from eventflow.errors import PermanentError, UserError
from eventflow.expressions import plain_expr
from eventflow.expressions.golang import json_text
from eventflow.model.pod import PodEnd
from eventflow.runtimes import verdict

MOST_KEYS = 1_000_000


class Listing(Protocol):
    """What lists artifacts: `artifacts.transfer.Transfer`."""

    def entries(self, artifact: Mapping[str, Any]) -> AsyncIterator[Entry]:
        """The files of an artifact as stored."""


class DataPerformer:
    """Lists what stores hold. `listing` gives the listing of a namespace, whose Secrets it may use."""

    def __init__(self, listing: Callable[[str], Listing]) -> None:
        self._listing = listing

    async def perform(self, task: Task) -> PodEnd:
        """List and transform. Raises TemporaryError when a store cannot be reached for now."""
        template: Mapping[str, Any] = task.pod.template["data"]
        try:
            data: Any = await self._sourced(template.get("source") or {}, task.pod.namespace)
            data = transformed(data, template.get("transformation") or (), task.now())
            result = json_text.encode(data)
        except (UserError, PermanentError, ValueError) as error:
            said = error.message if isinstance(error, UserError) else str(error)
            message = f"main: Error (exit code {verdict.EMISSARY_ERROR}): unable to process data template: {said}"
            return PodEnd("Failed", task.now(), message=message, exit_code=verdict.EMISSARY_ERROR)
        return PodEnd("Succeeded", task.now(), exit_code=0, result=result)

    async def _sourced(self, source: Mapping[str, Any], namespace: str) -> list[str]:
        artifact = source.get("artifactPaths")
        if artifact is None:
            raise UserError("no valid source is used for data template", hint="give source.artifactPaths")
        kind = locations.kind_of(artifact)
        key = locations.key_of(kind, artifact[kind]) if kind else ""
        if not key:
            raise UserError(
                f"artifactPaths {artifact.get('name', '')!r} has no key to list below",
                hint="name the directory in the location's key",
            )
        found: list[str] = []
        async for entry in self._listing(namespace).entries(artifact):
            found.append(f"{key.rstrip('/')}/{entry.path}" if entry.path else key)
            if len(found) > MOST_KEYS:
                raise PermanentError(f"there are more than {MOST_KEYS} keys below {key}")
        return found


def transformed(data: Any, steps: Sequence[Mapping[str, Any]], now: float) -> Any:
    """Return data after each step's expression. Raises UserError naming the step (from 0, as Argo counts)."""
    for number, step in enumerate(steps):
        if not step.get("expression"):
            continue
        try:
            data = plain_expr.evaluate(str(step["expression"]), {"data": data}, now)
        except UserError as error:
            raise UserError(f"error processing data step {number}: {error}", hint=error.hint) from error
    return data
