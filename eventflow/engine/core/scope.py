"""The variables that a step, task, hook or output may name.

A scope looks values up when they are asked for, so that a task of a large DAG costs what it mentions, not what came
before it. Source of the names: Argo v4.1.2 util/variables/keys, workflow/controller/operator.go buildLocalScope and
scope.go.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Protocol

from eventflow import clock
from eventflow.engine.core.state import Node, NodeType

Artifact = Mapping[str, Any]


class Reference(Protocol):
    """What `steps.NAME` or `tasks.NAME` stands for."""

    def value(self, field: str) -> Any:
        """Return the value of a field such as `outputs.result`; None for an absent optional. Raises KeyError."""

    def artifact(self, name: str) -> Artifact:
        """Return an output artifact; an empty one for a skipped step's. Raises KeyError."""

    def fields(self) -> Iterator[str]:
        """The fields that `value` knows now."""


class NodeReference:
    """A step or task by its node.

    `declared` gives the outputs that the node's template declares: what a skipped or omitted node has instead of its
    own. `skipped_artifacts` says whether these are then empty artifacts (steps) or unknown (DAGs).
    """

    __slots__ = ("_declared", "_node", "_outputs", "_skipped_artifacts")

    def __init__(
        self, node: Node, declared: Callable[[], Mapping[str, Any]] | None = None, *, skipped_artifacts: bool = False
    ) -> None:
        self._node = node
        self._outputs = node.outputs or {}
        self._declared = declared
        self._skipped_artifacts = skipped_artifacts

    def value(self, field: str) -> Any:
        node = self._node
        if field.startswith("outputs.parameters."):
            return self._parameter(field[19:])
        plain = _plain_field(node, self._outputs, field)
        if plain is None:
            raise KeyError(field)
        return plain

    def _parameter(self, name: str) -> Any:
        for parameter in self._outputs.get("parameters") or ():
            if parameter["name"] == name and parameter.get("value") is not None:
                return text_of(parameter["value"])
        for parameter in self._placeholders().get("parameters") or ():
            if parameter["name"] == name:
                default = (parameter.get("valueFrom") or {}).get("default")
                return None if default is None else text_of(default)
        raise KeyError(name)

    def _placeholders(self) -> Mapping[str, Any]:
        if self._declared is None or self._node.outputs is not None or self._node.phase not in ("Skipped", "Omitted"):
            return {}
        return self._declared()

    def artifact(self, name: str) -> Artifact:
        for artifact in self._outputs.get("artifacts") or ():
            if artifact["name"] == name:
                return dict(artifact)
        if self._skipped_artifacts:
            for artifact in self._placeholders().get("artifacts") or ():
                if artifact["name"] == name:
                    return {}
        raise KeyError(name)

    def fields(self) -> Iterator[str]:
        for field in _PLAIN_FIELDS:
            if _plain_field(self._node, self._outputs, field) is not None:
                yield field
        for outputs in (self._outputs, self._placeholders()):
            for parameter in outputs.get("parameters") or ():
                yield f"outputs.parameters.{parameter['name']}"


class AggregateReference:
    """A loop: the values of its items, aggregated, beside the group's own node."""

    __slots__ = ("_aggregate", "_group")

    def __init__(self, group: Node, aggregate: Callable[[], Mapping[str, str]]) -> None:
        self._group = NodeReference(group)
        self._aggregate = aggregate

    def value(self, field: str) -> Any:
        if field.startswith("outputs."):
            aggregate = self._aggregate()
            if field in aggregate:
                return aggregate[field]
        return self._group.value(field)

    def artifact(self, name: str) -> Artifact:
        return self._group.artifact(name)

    def fields(self) -> Iterator[str]:
        yield from self._aggregate()
        yield from self._group.fields()


class Scope(Mapping[str, Any]):
    """All variables in force inside one steps or DAG template, by dotted name.

    `own` are plain variables (inputs, globals of the template), `references` the steps or tasks so far under `prefix`
    (`steps` or `tasks`), `globals_` the workflow's variables, shared and live.
    """

    def __init__(
        self, prefix: str, own: Mapping[str, Any], globals_: Mapping[str, Any], artifacts: Mapping[str, Artifact]
    ) -> None:
        self.prefix = prefix
        self.own = own
        self.globals = globals_
        self.artifacts = artifacts
        self.references: dict[str, Reference] = {}

    def __getitem__(self, key: str) -> Any:
        if key in self.own:
            return self.own[key]
        prefix, _, rest = key.partition(".")
        if prefix == self.prefix and rest:
            name, _, field = rest.partition(".")
            reference = self.references.get(name)
            if reference is None:
                raise KeyError(key)
            return reference.value(field)
        return self.globals[key]

    def __iter__(self) -> Iterator[str]:
        yield from self.own
        for name, reference in self.references.items():
            for field in reference.fields():
                yield f"{self.prefix}.{name}.{field}"
        for key in self.globals:
            if key not in self.own:
                yield key

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def absent(self, key: str) -> bool:
        """Whether a name stands for the output that a skipped or omitted step did not produce and has no default."""
        try:
            return self[key] is None
        except KeyError:
            return False

    def artifact(self, key: str) -> Artifact | None:
        """Return the artifact of a name (`steps.a.outputs.artifacts.x`, `inputs.artifacts.y`), None if unknown."""
        if key in self.artifacts:
            return dict(self.artifacts[key])
        parts = key.split(".")
        if len(parts) == 5 and parts[0] == self.prefix and parts[2:4] == ["outputs", "artifacts"]:
            reference = self.references.get(parts[1])
            if reference is not None:
                try:
                    return reference.artifact(parts[4])
                except KeyError:
                    return None
        return None


class Layered(Mapping[str, Any]):
    """A few variables (an item, a status) before those of a scope."""

    __slots__ = ("above", "below")

    def __init__(self, above: Mapping[str, Any], below: Mapping[str, Any]) -> None:
        self.above = above
        self.below = below

    def __getitem__(self, key: str) -> Any:
        if key in self.above:
            return self.above[key]
        return self.below[key]

    def __iter__(self) -> Iterator[str]:
        yield from self.above
        for key in self.below:
            if key not in self.above:
                yield key

    def __len__(self) -> int:
        return sum(1 for _ in self)


def text_of(value: Any) -> str:
    """Return a parameter's value as the text that all parameters are."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def input_variables(inputs: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return `inputs.parameters.*` of bound inputs."""
    parameters: Sequence[Mapping[str, Any]] = (inputs or {}).get("parameters") or ()
    return {f"inputs.parameters.{each['name']}": text_of(each["value"]) for each in parameters if "value" in each}


def input_artifacts(inputs: Mapping[str, Any] | None) -> dict[str, Artifact]:
    """Return `inputs.artifacts.*` of bound inputs."""
    artifacts: Sequence[Mapping[str, Any]] = (inputs or {}).get("artifacts") or ()
    return {f"inputs.artifacts.{each['name']}": each for each in artifacts}


def visible(node: Node, nodes: Sequence[Node]) -> Node:
    """Return the node whose outputs a name shows: of a retry node, its last attempt."""
    if node.type is NodeType.RETRY and not (node.memo or {}).get("hit"):
        for child in reversed(node.children):
            if not nodes[child].hooked:
                return nodes[child]
    return node


_PLAIN_FIELDS = ("id", "startedAt", "finishedAt", "ip", "status", "hostNodeName", "exitCode", "outputs.result")


def _plain_field(node: Node, outputs: Mapping[str, Any], field: str) -> str | None:
    match field:
        case "status":
            return str(node.phase)
        case "outputs.result":
            return outputs.get("result")
        case "exitCode":
            return outputs.get("exitCode")
        case "id":
            return node.id
        case "startedAt":
            return clock.rfc3339(node.started_at) if node.started_at else None
        case "finishedAt":
            return clock.rfc3339(node.finished_at) if node.finished_at else None
        case "ip":
            return node.ip or None
        case "hostNodeName":
            return node.host or None
    return None
