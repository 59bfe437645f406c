"""Outputs: of loops, aggregated; of steps and DAG templates, gathered from what ran inside; and of the workflow."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import orjson

from eventflow.engine.core import evaluation
from eventflow.engine.core.scope import Scope, text_of
from eventflow.engine.core.state import Node, Phase
from eventflow.errors import UserError
from eventflow.expressions import template


class OutputError(UserError):
    """An output that cannot be made from what ran."""


def aggregate(items: Iterable[Node]) -> dict[str, str]:
    """Return the aggregated outputs of a loop's items, in their order, as JSON texts by field.

    Only items that succeeded count, so lists may be shorter than the loop. Each result is itself read as JSON.
    Raises OutputError for a result that is no JSON.
    Source: Argo v4.1.2 workflow/controller/operator.go processAggregateNodeOutputs.
    """
    results: list[Any] = []
    rows: list[dict[str, str]] = []
    columns: dict[str, list[str]] = {}
    for item in items:
        if item.outputs is None or item.phase is not Phase.SUCCEEDED:
            continue
        parameters = item.outputs.get("parameters") or ()
        if parameters:
            row = {each["name"]: text_of(each.get("value", "")) for each in parameters}
            rows.append(row)
            for name, value in row.items():
                columns.setdefault(name, []).append(value)
        if "result" in item.outputs:
            results.append(_as_json(item))
    fields = {"outputs.result": _dump(results), "outputs.parameters": _dump(rows)}
    for name, values in columns.items():
        fields[f"outputs.parameters.{name}"] = _dump(_unquoted(values))
    return fields


def _as_json(item: Node) -> Any:
    text = (item.outputs or {})["result"]
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise OutputError(
            f"the result of {item.name} is not JSON, so it cannot join the list of results: {error}",
            hint="print JSON, for example a quoted text, or use an output parameter",
        ) from None


def _unquoted(values: Sequence[str]) -> Sequence[Any]:
    """Return the values as JSON objects and lists if every one of them is one, else as the texts they are."""
    parsed = []
    for value in values:
        try:
            each = orjson.loads(value)
        except orjson.JSONDecodeError:
            return values
        if not isinstance(each, dict | list):
            return values
        parsed.append(each)
    return parsed


def _dump(value: Any) -> str:
    return orjson.dumps(value).decode()


def of_template(declared: Mapping[str, Any] | None, scope: Scope) -> dict[str, Any] | None:
    """Return the outputs that a steps or DAG template declares, gathered from its scope; None if it declares none.

    Raises OutputError. Source: Argo v4.1.2 workflow/controller/operator.go getTemplateOutputsFromScope.
    """
    if not declared or not (declared.get("parameters") or declared.get("artifacts")):
        return None
    outputs: dict[str, Any] = {}
    if declared.get("parameters"):
        outputs["parameters"] = [_gathered(each, scope) for each in declared["parameters"]]
    if declared.get("artifacts"):
        found = (_gathered_artifact(each, scope) for each in declared["artifacts"])
        outputs["artifacts"] = [each for each in found if each is not None]
    return outputs


def _gathered(parameter: Mapping[str, Any], scope: Scope) -> dict[str, Any]:
    value_from = parameter.get("valueFrom")
    if value_from is None:
        raise OutputError("output parameters must have a valueFrom specified", hint="set valueFrom.parameter")
    default = value_from.get("default")
    try:
        value = _value(value_from, scope)
    except UserError:
        if default is None:
            raise
        value = default
    if value is None:
        value = default
    if value is None:
        source = value_from.get("parameter") or value_from.get("expression")
        raise OutputError(
            f'output parameter "{parameter["name"]}": "{source}" is an absent optional '
            "(skipped/omitted node output with no default)",
            hint="give it valueFrom.default",
        )
    rest = {key: each for key, each in parameter.items() if key != "valueFrom"}
    return {**rest, "value": _parameter_text(value)}


def _parameter_text(value: Any) -> str:
    if isinstance(value, str | bool | int):
        return text_of(value)
    if isinstance(value, float):
        return text_of(int(value)) if value.is_integer() else repr(value)
    return _dump(value)


def _value(value_from: Mapping[str, Any], scope: Scope) -> Any:
    if value_from.get("expression"):
        value = evaluation.evaluate(value_from["expression"], scope)
        if value is None:
            raise OutputError(f'failed to evaluate expression "{value_from["expression"]}"')
        return value
    if value_from.get("parameter"):
        return _resolved(value_from["parameter"], scope)
    return ""


def _resolved(text: str, scope: Scope) -> Any:
    """Return what one tag (or a bare name) stands for."""
    tag = text.strip().removeprefix("{{").removesuffix("}}").strip()
    if tag.startswith("="):
        return evaluation.evaluate(tag[1:], scope)
    try:
        return scope[tag]
    except KeyError:
        raise OutputError(f'Unable to resolve: "{tag}"') from None


def resolve_artifact(artifact: Mapping[str, Any], scope: Scope) -> dict[str, Any] | None:
    """Return the artifact that `from` or `fromExpression` names, with its `subPath` appended, under its new name.

    None if it is optional and not there; the artifact itself if it names no other. Raises OutputError.
    Source: Argo v4.1.2 workflow/controller/scope.go resolveArtifact.
    """
    if not artifact.get("from") and not artifact.get("fromExpression"):
        return dict(artifact)
    found = _named_artifact(artifact, scope)
    if found is None:
        if artifact.get("optional"):
            return None
        source = artifact.get("from") or artifact.get("fromExpression")
        raise OutputError(f'unable to resolve references: Unable to resolve: "{_untagged(str(source))}"')
    resolved = {**found, "name": artifact["name"]}
    if artifact.get("subPath"):
        sub_path = template.substitute(artifact["subPath"], scope, allow_unresolved=True)
        _append_to_key(resolved, sub_path)
    return resolved


def _named_artifact(artifact: Mapping[str, Any], scope: Scope) -> dict[str, Any] | None:
    if artifact.get("fromExpression"):
        value = evaluation.evaluate(artifact["fromExpression"], _WithArtifacts(scope))
        if value is not None and not isinstance(value, Mapping):
            raise OutputError(f"{artifact['fromExpression']!r} is not an artifact")
        return None if value is None else dict(value)
    found = scope.artifact(_untagged(artifact["from"]))
    return None if found is None else dict(found)


def _untagged(text: str) -> str:
    return text.strip().removeprefix("{{").removesuffix("}}").strip()


def _append_to_key(artifact: dict[str, Any], sub_path: str) -> None:
    for kind in ("s3", "oss", "gcs", "hdfs", "azure", "artifactory", "http", "local", "plugin"):
        location = artifact.get(kind)
        if not isinstance(location, Mapping):
            continue
        field = {"hdfs": "path", "azure": "blob", "artifactory": "url", "http": "url"}.get(kind, "key")
        artifact[kind] = {**location, field: f"{str(location.get(field, '')).rstrip('/')}/{sub_path.lstrip('/')}"}
        return


def _gathered_artifact(artifact: Mapping[str, Any], scope: Scope) -> dict[str, Any] | None:
    if not artifact.get("from") and not artifact.get("fromExpression"):
        return None
    resolved = resolve_artifact(artifact, scope)
    if resolved is not None and artifact.get("globalName"):
        resolved["globalName"] = artifact["globalName"]
    return resolved


class _WithArtifacts(Mapping[str, Any]):
    """A scope with its artifacts beside its texts, as `fromExpression` sees them."""

    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    def _names(self) -> Iterable[str]:
        yield from self._scope.artifacts
        for name, reference in self._scope.references.items():
            for artifact in artifact_names(reference):
                yield f"{self._scope.prefix}.{name}.outputs.artifacts.{artifact}"

    def __getitem__(self, key: str) -> Any:
        found = self._scope.artifact(key)
        return self._scope[key] if found is None else found

    def __iter__(self) -> Any:
        yield from self._names()
        yield from self._scope

    def __len__(self) -> int:
        return sum(1 for _ in self)


def artifact_names(reference: Any) -> Sequence[str]:
    """Return the names of the output artifacts that a reference has."""
    outputs = getattr(reference, "_outputs", None) or {}
    return [each["name"] for each in outputs.get("artifacts") or ()]


def export_globals(outputs: Mapping[str, Any] | None, into: dict[str, Any], variables: dict[str, Any]) -> bool:
    """Copy outputs that have a `globalName` to the workflow's outputs and variables; tell whether there were any.

    Source: Argo v4.1.2 workflow/controller/operator.go addParamToGlobalScope, addArtifactToGlobalScope.
    """
    exported = False
    for parameter in (outputs or {}).get("parameters") or ():
        if parameter.get("globalName") and parameter.get("value") is not None:
            value = text_of(parameter["value"])
            _replace(into.setdefault("parameters", []), {"name": parameter["globalName"], "value": value})
            variables[f"workflow.outputs.parameters.{parameter['globalName']}"] = value
            exported = True
    for artifact in (outputs or {}).get("artifacts") or ():
        if artifact.get("globalName"):
            kept = {key: value for key, value in artifact.items() if key not in ("globalName", "path")}
            _replace(into.setdefault("artifacts", []), {**kept, "name": artifact["globalName"]})
            exported = True
    return exported


def _replace(entries: list[dict[str, Any]], entry: dict[str, Any]) -> None:
    for number, other in enumerate(entries):
        if other["name"] == entry["name"]:
            entries[number] = entry
            return
    entries.append(entry)
