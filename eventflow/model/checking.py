"""Turns pydantic's complaints into problems that can be acted on: what, where in the file, what was probably meant."""

import types
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from eventflow.model import legacy, spelling
from eventflow.model.legacy import Moves, Steps
from eventflow.model.problems import Problem
from eventflow.model.source import Document

RENAMED = {
    "ttlSecondsAfterFinished": "use ttlStrategy.secondsAfterCompletion",
    "resubmitPendingPods": "it has no use any more; remove it",
    "dependsOn": 'use "depends" or "dependencies"',
    "if": 'use "when"',
    "needs": 'use "dependencies"',
    "serverURL": 'use "url"',
    "eventSource": 'use "eventSourceName" and "eventName"',
}
FEW_FIELDS = 12
"""Up to so many field names are listed as a hint where none is close."""

_WANTED = {
    "string_type": "text",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "bool_type": "true or false",
    "dict_type": "a mapping",
    "model_type": "a mapping",
    "model_attributes_type": "a mapping",
    "list_type": "a list",
}


def problems(error: ValidationError, model: type[BaseModel], document: Document, moves: Moves) -> list[Problem]:
    """Return what is wrong, in the order of the file."""
    found = [_problem(detail, model, document, moves) for detail in error.errors(include_url=False)]
    return sorted(found, key=lambda problem: (problem.location.line, problem.location.column))


def _problem(detail: ErrorDetails, model: type[BaseModel], document: Document, moves: Moves) -> Problem:
    path: Steps = detail["loc"]
    kind = detail["type"]
    if kind == "extra_forbidden":
        written = legacy.written_at(path, moves)
        hint = _unknown_hint(path, model)
        return Problem("unknown-field", f'unknown field "{path[-1]}"', document.locate_key(written), hint)
    if kind == "missing":
        owner = legacy.written_at(path[:-1], moves)
        return Problem("missing-field", f'"{path[-1]}" is missing', document.locate(owner), _missing_hint(path))
    place = document.locate(legacy.written_at(path, moves))
    message, hint = _value_problem(detail, document.word_at(place))
    if kind == "list_type" and "steps" in path[-2:] and isinstance(path[-1], int):
        hint = 'steps is a list of lists: begin the item with "- - "'
    return Problem("wrong-type" if kind in _WANTED else "bad-value", f"{_field_name(path)} {message}", place, hint)


def _missing_hint(path: Steps) -> str | None:
    if path == ("metadata",):
        return "every object has metadata with a name or generateName"
    return None


def _field_name(path: Steps) -> str:
    """Return the last named step with the indices behind it: `"args[1]"`."""
    names = [step for step in path if isinstance(step, str)]
    if not names:
        return "the document"
    last = len(path) - 1 - path[::-1].index(names[-1])
    return f'"{names[-1]}{"".join(f"[{index}]" for index in path[last + 1 :])}"'


def _value_problem(detail: ErrorDetails, word: str) -> tuple[str, str | None]:
    kind, value = detail["type"], detail["input"]
    if kind in _WANTED:
        return f"must be {_WANTED[kind]}, not {_described(value)}", _type_hint(kind, value, word)
    if kind == "choice":
        names = detail["ctx"]["names"].split(", ")
        close = spelling.closest(str(value), names)
        return f"{detail['msg']}, not {value!r}", f'did you mean "{close}"?' if close else None
    if kind == "too_short":
        return "must not be empty", None
    message = detail["msg"][:1].lower() + detail["msg"][1:]
    return f"{message}, not {_described(value)}", None


def _type_hint(kind: str, value: Any, word: str) -> str | None:
    if kind == "string_type" and isinstance(value, bool | int | float):
        return f'quote it: "{word}"'
    if kind in ("int_type", "bool_type") and isinstance(value, str) and "{{" not in value:
        return "remove the quotes" if value.lstrip("-").isdigit() or value in ("true", "false") else None
    if kind == "list_type" and isinstance(value, dict):
        return 'begin each item with "- "'
    return None


def _described(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if value is None:
        return "empty"
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list):
        return "a list"
    text = repr(value) if isinstance(value, str) else str(value)
    return text if len(text) <= 40 else f"{text[:37]}…"


def _unknown_hint(path: Steps, model: type[BaseModel]) -> str | None:
    name = str(path[-1])
    siblings = fields_at(model, path[:-1])
    close = spelling.closest(name, siblings)
    if close is not None:
        return f'did you mean "{close}"?'
    if name in RENAMED:
        return RENAMED[name]
    for length in range(len(path) - 2, -1, -1):
        if name in fields_at(model, path[:length]):
            owner = next((step for step in reversed(path[:length]) if isinstance(step, str)), None)
            place = f'"{owner}"' if owner else "the top level"
            return f"it belongs to {place}; check the indentation"
    for sibling in sorted(siblings):
        if name in fields_at(model, (*path[:-1], sibling)):
            return f'it belongs inside "{sibling}"'
    return spelling.did_you_mean(name, siblings) if len(siblings) <= FEW_FIELDS else None


def fields_at(model: type[BaseModel], path: Steps) -> set[str]:
    """Return the names of the fields that the mapping at `path` may have; empty where any are taken."""
    kind: Any = model
    for step in path:
        kind = _step_into(kind, step)
    kind = _bare(kind)
    return {_alias(kind, name) for name in kind.model_fields} if _is_model(kind) else set()


def _step_into(kind: Any, step: str | int) -> Any:
    bare = _bare(kind)
    if _is_model(bare):
        return next((info.annotation for name, info in bare.model_fields.items() if _alias(bare, name) == step), None)
    arguments = get_args(bare)
    if get_origin(bare) is list and isinstance(step, int):
        return arguments[0]
    if get_origin(bare) is dict and isinstance(step, str):
        return arguments[1]
    return None


def _bare(kind: Any) -> Any:
    """Strip Annotated and the None of an optional type."""
    while True:
        if get_origin(kind) is Annotated:
            kind = get_args(kind)[0]
        elif get_origin(kind) in (Union, types.UnionType):
            kind = next((part for part in get_args(kind) if part is not type(None)), None)
        else:
            return kind


def _is_model(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, BaseModel)


def _alias(model: type[BaseModel], name: str) -> str:
    return model.model_fields[name].alias or name
