"""The base of all manifest models, and the kinds of field that YAML writes in more than one way.

Fields carry Kubernetes' camelCase names as aliases. Types are strict, as Go's decoder is: `5` is no text and `"5"` is
no number; where Argo itself is lenient, the field's type says so. A null counts as absent, as in Go.
"""

from collections.abc import Callable
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, WithJsonSchema
from pydantic.alias_generators import to_camel
from pydantic_core import PydanticCustomError

from eventflow.model import yaml_scalars


class Object(BaseModel):
    """A mapping in a manifest: unknown fields are refused, the schema is built on first use."""

    model_config = ConfigDict(
        extra="forbid", strict=True, defer_build=True, alias_generator=to_camel, protected_namespaces=()
    )


Text = str | None
Flag = bool | None
Whole = int | None
Texts = list[str] | None
TextMap = dict[str, str] | None
Plain = dict[str, Any] | None
"""A Kubernetes object that is kept and passed on as it is."""

Plains = list[dict[str, Any]] | None


def as_text(value: Any) -> Any:
    """Return a scalar as Argo's AnyString holds it: `true`, `5`, `0.5`.

    Any list or mapping is an empty text to Argo; here only an empty one is, the others stay as they are, to be refused.
    """
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return yaml_scalars.plain_number(value)
    return "" if value in ([], {}) else value


def _int_or_text(value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise PydanticCustomError("int_or_text", "must be a whole number or text")
    return value


def _number(value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise PydanticCustomError("number_or_text", "must be a number")
    return value


def choice(*names: str) -> Callable[[str], str]:
    """Return a check that a text is one of `names`, empty, or holds a tag that is filled in later."""

    def check(value: str) -> str:
        if value and value not in names and "{{" not in value:
            raise PydanticCustomError("choice", "must be one of {names}", {"names": ", ".join(names)})
        return value

    return check


AnyText = Annotated[str, BeforeValidator(as_text), WithJsonSchema({"type": ["string", "number", "boolean"]})]
"""Argo's AnyString: a number or boolean is taken as its text."""

IntOrText = Annotated[Any, AfterValidator(_int_or_text), WithJsonSchema({"type": ["integer", "string"]})]
"""Kubernetes' IntOrString."""

Number = Annotated[Any, AfterValidator(_number), WithJsonSchema({"type": ["number", "string"]})]
"""A JSON number, also as text."""

Duration = AnyText
"""A Go duration such as `1h30m`; whole numbers count seconds. Checked when linted, since it may hold tags."""
