"""Parameters, arguments, inputs and outputs. Source: Argo v4.1.2 workflow_types.go."""

from typing import Any

from pydantic import Field

from eventflow.model.artifact import Artifact
from eventflow.model.fields import AnyText, Object, Text
from eventflow.model.kubernetes import KeySelector


class ValueFrom(Object):
    """Where a parameter's value comes from: one of these, and a default for when it is absent."""

    path: Text = None
    json_path: Text = None
    jq_filter: Text = None
    event: Text = None
    parameter: Text = None
    expression: Text = None
    supplied: dict[str, Any] | None = None
    config_map_key_ref: KeySelector | None = None
    default: AnyText | None = None


class Parameter(Object):
    """A named text."""

    name: str
    default: AnyText | None = None
    value: AnyText | None = None
    value_from: ValueFrom | None = None
    global_name: Text = None
    enum: list[AnyText] | None = None
    description: AnyText | None = None


class Arguments(Object):
    """Values for a template's inputs."""

    parameters: list[Parameter] | None = None
    artifacts: list[Artifact] | None = None


class Inputs(Object):
    """What a template takes."""

    parameters: list[Parameter] | None = None
    artifacts: list[Artifact] | None = None


class Outputs(Object):
    """What a template gives."""

    parameters: list[Parameter] | None = None
    artifacts: list[Artifact] | None = None
    result: Text = Field(None, description="set by the engine")
    exit_code: Text = Field(None, description="set by the engine")
