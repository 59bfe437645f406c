"""Arguments into a template (Argo v4.1.2 workflow/common/util.go ProcessArgs and SubstituteParams).

What the author of a template wrote is template text, argument values are data: they are inserted and never looked at
for tags, which Argo does (docs/differences-expressions.md).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from eventflow.expressions.errors import AbsentOptional, NotSupplied, TemplateError
from eventflow.expressions.expr.environment import Environment
from eventflow.expressions.golang import json_text, numbers
from eventflow.expressions.golang import text as gotext
from eventflow.expressions.scope import Scope
from eventflow.expressions.template import CompiledTree

ConfigMap = Callable[[str, str], str | None]
"""Return the value of (ConfigMap name, key), None when there is none."""

ABSENT: Any = object()
"""The value of an argument that refers to an output which is absent for good: the input's default takes its place."""

_ORDER = ("name", "default", "value", "valueFrom", "globalName", "enum", "description")
_LOCATIONS = ("s3", "git", "http", "artifactory", "hdfs", "raw", "oss", "gcs", "azure", "plugin")
_KEPT = ("path", "mode", "recurseMode")
_ALL = "inputs.parameters"


@dataclass(frozen=True, slots=True)
class BoundTemplate:
    """A template with its arguments: `template` with the tags replaced, `scope` with the inputs and paths added."""

    template: dict[str, Any]
    scope: Scope


def any_string(value: Any) -> str:
    """Return a parameter's value as Argo keeps it (AnyString): a text; numbers without exponent, through a float.

    Raises TemplateError for lists and maps, which Argo silently makes empty.
    """
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return numbers.plain(float(value))
    raise TemplateError(f"a parameter's value is a text, a number or a boolean, not {gotext.kind_name(value)}")


class PreparedTemplate:
    """A template whose tags are found once, to be bound often."""

    def __init__(self, template: Mapping[str, Any], deferred: Sequence[str] = ()) -> None:
        """`deferred` names members such as `steps` and `dag` to be left as they are: to be rendered later, once, with
        `BoundTemplate.scope` and what is known then. Raises TemplateError for a tag that is never closed."""
        self.template = dict(template)
        inputs = template.get("inputs") or {}
        self._parameters = [_Parameter(each) for each in inputs.get("parameters") or ()]
        self._body = CompiledTree({key: item for key, item in template.items() if key not in ("inputs", *deferred)})
        self._inputs = CompiledTree(inputs.get("artifacts") or [])
        self._paths = CompiledTree(_output_paths(template))
        self._needs_all = _ALL in self.references()

    def references(self) -> set[str]:
        """Return the names that the tags of the template use, without those of deferred members."""
        found = self._body.references() | self._inputs.references()
        return found.union(*(parameter.tree.references() for parameter in self._parameters))

    def bind(
        self,
        arguments: Mapping[str, Any],
        lookup: Mapping[str, Any] | Scope,
        *,
        environment: Environment | None = None,
        config_map: ConfigMap | None = None,
    ) -> BoundTemplate:
        """Return the template with `arguments` ({parameters, artifacts}) and the variables of `lookup` in it.

        Raises NotSupplied for an input without a value, AbsentOptional, and what rendering raises.
        """
        outer = Scope.of(lookup)
        given = _by_name(arguments.get("parameters"))
        values = [parameter.value(given, outer, environment, config_map) for parameter in self._parameters]
        own = self._variables(values, outer, environment)
        scope = Scope(own, outer)
        template = self._body.render(scope, environment=environment, deep=outer)
        template = {**self.template, **template}
        if "inputs" in self.template:
            declared = self._inputs.render(scope, environment=environment, deep=outer)
            artifacts = _supply(declared, _by_name(arguments.get("artifacts")))
            parameters = [value.shown(scope, outer, environment) for value in values]
            template["inputs"] = self._bound_inputs(parameters, artifacts)
        return BoundTemplate(template, scope)

    def _variables(self, values: Sequence["_Value"], outer: Scope, environment: Environment | None) -> dict[str, Any]:
        own = {f"{_ALL}.{value.parameter.name}": value.text for value in values if value.text is not None}
        paths = self._paths.render(outer, environment=environment)
        own |= {name: path for name, path in paths.items() if path}
        if self._needs_all:
            shown = [value.describe(outer, environment) for value in values]
            own[_ALL] = json_text.encode(shown, sort_keys=False)
        return own

    def _bound_inputs(self, parameters: list[Any], artifacts: list[Any]) -> dict[str, Any]:
        inputs = dict(self.template["inputs"] or {})
        given = {"parameters": parameters, "artifacts": artifacts}
        return {**inputs, **{key: items for key, items in given.items() if key in inputs}}


class _Parameter:
    """An input parameter of a template."""

    def __init__(self, declared: Mapping[str, Any]) -> None:
        self.name: str = declared["name"]
        plain = {key: item for key, item in declared.items() if key != "value"}
        if plain.get("default") is not None:
            plain["default"] = any_string(plain["default"])
        if plain.get("enum"):
            plain["enum"] = [any_string(item) for item in plain["enum"]]
        self.declared = plain
        own = declared.get("value")
        self.own = any_string(own) if own is not None else plain.get("default")
        self.tree = CompiledTree({"declared": plain, "own": self.own})

    def value(
        self,
        given: Mapping[str, Mapping[str, Any]],
        outer: Scope,
        environment: Environment | None,
        config_map: ConfigMap | None,
    ) -> "_Value":
        argument = given.get(self.name, {})
        supplied = argument.get("value")
        source = argument.get("valueFrom")
        if supplied is ABSENT:
            if self.own is None and not self.declared.get("valueFrom"):
                raise AbsentOptional(
                    f"inputs.parameters.{self.name}: the argument refers to an output that is absent for good"
                )
        elif supplied is not None:
            return _Value(self, any_string(supplied), supplied=True)
        elif source:
            return _Value(self, self._look_up(source, outer, config_map), supplied=True, source=source)
        own_source = self.declared.get("valueFrom")
        if own_source and (own_source.get("configMapKeyRef") or self.own is None):
            found = self._look_up(own_source, outer, config_map)
            if found is not None or self.own is None:
                return _Value(self, found, supplied=True, source=own_source)
        if self.own is None:
            raise NotSupplied(f"inputs.parameters.{self.name} was not supplied")
        rendered = self.tree.render(outer, environment=environment)
        return _Value(self, rendered["own"], supplied=False)

    def _look_up(self, source: Mapping[str, Any], outer: Scope, config_map: ConfigMap | None) -> str | None:
        reference = source.get("configMapKeyRef")
        if not reference:
            raise NotSupplied(f"inputs.parameters.{self.name} was not supplied")
        if config_map is None:
            return None
        place = CompiledTree({"name": reference.get("name", ""), "key": reference.get("key", "")}).render(
            outer, allow_unresolved=False
        )
        value = config_map(place["name"], place["key"])
        if value is None:
            value = source.get("default")
        if value is None:
            wanted = f"ConfigMap {place['name']!r}, key {place['key']!r}"
            raise NotSupplied(f"inputs.parameters.{self.name} cannot be retrieved: there is no {wanted}")
        return any_string(value)


@dataclass(frozen=True, slots=True)
class _Value:
    """What an input parameter got: its text, and whether that is data or template text."""

    parameter: _Parameter
    text: str | None
    supplied: bool
    source: Mapping[str, Any] | None = None

    def describe(self, scope: Scope, environment: Environment | None) -> dict[str, Any]:
        """Return the parameter with its value, members in Argo's order."""
        return self._complete(self.parameter.tree.render(scope, environment=environment)["declared"], self.text)

    def shown(self, scope: Scope, outer: Scope, environment: Environment | None) -> dict[str, Any]:
        """Return the parameter for the bound template: own values may refer to other inputs, supplied ones not."""
        rendered = self.parameter.tree.render(scope, environment=environment, deep=outer)
        return self._complete(rendered["declared"], self.text if self.supplied else rendered["own"])

    def _complete(self, declared: dict[str, Any], value: str | None) -> dict[str, Any]:
        members = {**declared, "value": value}
        if self.supplied:
            members["valueFrom"] = self.source
        return {key: members[key] for key in _ORDER if members.get(key) not in (None, [])}


def prepare(template: Mapping[str, Any], deferred: Sequence[str] = ()) -> PreparedTemplate:
    """Return a template ready to bind. See PreparedTemplate."""
    return PreparedTemplate(template, deferred)


def bind(
    template: Mapping[str, Any],
    arguments: Mapping[str, Any],
    global_variables: Mapping[str, Any],
    local_variables: Mapping[str, Any],
    *,
    environment: Environment | None = None,
    config_map: ConfigMap | None = None,
) -> dict[str, Any]:
    """Return a template with its arguments and variables. See PreparedTemplate.bind."""
    lookup = Scope(local_variables, Scope(global_variables))
    return PreparedTemplate(template).bind(arguments, lookup, environment=environment, config_map=config_map).template


def _by_name(items: Sequence[Mapping[str, Any]] | None) -> dict[str, Mapping[str, Any]]:
    """Return items by their name; of several with one name the first counts."""
    found: dict[str, Mapping[str, Any]] = {}
    for item in items or ():
        found.setdefault(item["name"], item)
    return found


def _has_location(artifact: Mapping[str, Any]) -> bool:
    return any(artifact.get(kind) is not None and (kind == "raw" or artifact[kind]) for kind in _LOCATIONS)


def _supply(declared: list[Any], given: Mapping[str, Mapping[str, Any]]) -> list[Any]:
    """Return the input artifacts with what the arguments give. Raises NotSupplied."""
    result = []
    for artifact in declared:
        argument = given.get(artifact["name"])
        if not artifact.get("optional") and not _has_location(artifact):
            if argument is None:
                raise NotSupplied(f"inputs.artifacts.{artifact['name']} was not supplied")
            if not _has_location(argument):
                raise NotSupplied(f"inputs.artifacts.{artifact['name']} missing location information")
        if argument is None:
            result.append(artifact)
            continue
        own = {key: artifact[key] for key in _KEPT if key in artifact}
        result.append({**{key: item for key, item in argument.items() if key not in _KEPT}, **own})
    return result


def _output_paths(template: Mapping[str, Any]) -> dict[str, Any]:
    """Return the variables that are paths, as template text."""
    paths: dict[str, Any] = {}
    for artifact in (template.get("inputs") or {}).get("artifacts") or ():
        paths[f"inputs.artifacts.{artifact['name']}.path"] = artifact.get("path", "")
    outputs = template.get("outputs") or {}
    for artifact in outputs.get("artifacts") or ():
        paths[f"outputs.artifacts.{artifact['name']}.path"] = artifact.get("path", "")
    for parameter in outputs.get("parameters") or ():
        path = (parameter.get("valueFrom") or {}).get("path", "")
        paths[f"outputs.parameters.{parameter['name']}.path"] = path
    return paths
