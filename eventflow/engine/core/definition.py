"""What a workflow was submitted as: fixed from then on, whatever happens to the templates it came from."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Definition:
    """A workflow's own manifest and all that it refers to, as they were when it was submitted.

    `manifest` is the object as given, with its final name. `spec` is its spec merged over that of its template and the
    defaults. `templates` are the specs of the WorkflowTemplates and ClusterWorkflowTemplates in reach, by scope.
    `config` holds the ConfigMaps that parameters are read from, by name.
    """

    manifest: Mapping[str, Any]
    spec: Mapping[str, Any]
    templates: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    config: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Return the definition as a plain JSON object."""
        return {
            "manifest": self.manifest,
            "spec": self.spec,
            "templates": self.templates,
            "config": self.config,
        }

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> "Definition":
        """Return the definition that `to_json` wrote."""
        return cls(**record)

    def config_value(self, name: str, key: str) -> str | None:
        """Return what a `configMapKeyRef` names, or None."""
        return self.config.get(name, {}).get(key)
