"""That every setting reaches the part that it is for."""

import ast
import dataclasses
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

import eventflow
from eventflow import assembly, settings_reader
from eventflow.runtimes.process.settings import ProcessSettings
from eventflow.settings import Artifacts, Engine, Runtime, Settings

PACKAGE = Path(eventflow.__file__).parent
SETTINGS = ("settings.py", "settings_reader.py")
Function = ast.FunctionDef | ast.AsyncFunctionDef


def _chain(node: ast.expr, aliases: dict[str, tuple[str, ...]]) -> tuple[str, ...]:
    """Return the names of `a.b.c`, with what `a` was assigned put in."""
    if isinstance(node, ast.Attribute):
        return (*_chain(node.value, aliases), node.attr)
    if isinstance(node, ast.Name):
        return aliases.get(node.id, (node.id,))
    return ()


def _sections(module: ast.Module) -> dict[str, tuple[str, ...]]:
    """Return the sections whose classes a module imports, by class name."""
    imported = {
        alias.name
        for node in module.body
        if isinstance(node, ast.ImportFrom) and node.module == "eventflow.settings"
        for alias in node.names
    }
    sections = {type(getattr(Settings(), each.name)).__name__: each.name for each in dataclasses.fields(Settings)}
    return {name: ("settings", sections[name]) for name in imported & sections.keys()}


def _read(function: Function, sections: Mapping[str, tuple[str, ...]]) -> Iterator[tuple[str, ...]]:
    """Yield the chains below `settings` that a function reads."""
    aliases = {
        each.arg: sections[each.annotation.id]
        for each in function.args.args
        if isinstance(each.annotation, ast.Name) and each.annotation.id in sections
    }
    for node in ast.walk(function):
        if (
            isinstance(node, ast.Assign)
            and isinstance(node.targets[0], ast.Tuple)
            and isinstance(node.value, ast.Tuple)
        ):
            pairs = list(zip(node.targets[0].elts, node.value.elts, strict=True))
        elif isinstance(node, ast.Assign):
            pairs = [(node.targets[0], node.value)]
        else:
            continue
        for target, value in pairs:
            if isinstance(target, ast.Name) and "settings" in _chain(value, aliases)[:-1]:
                aliases[target.id] = _chain(value, aliases)
    for node in ast.walk(function):
        if isinstance(node, ast.Attribute):
            found = _chain(node, aliases)
            if "settings" in found:
                yield found[found.index("settings") + 1 :]


def test_every_setting_is_read() -> None:
    modules = [ast.parse(path.read_text()) for path in PACKAGE.rglob("*.py") if path.name not in SETTINGS]
    read = {
        chain
        for module in modules
        for function in ast.walk(module)
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef)
        for chain in _read(function, _sections(module))
    }
    assert [option.key for option in settings_reader.options() if option.path not in read] == []


@pytest.mark.parametrize(
    ("archive", "given", "expected"),
    [
        (False, {}, {}),
        (True, {}, {"spec": {"archiveLogs": True}}),
        (
            True,
            {"metadata": {}, "spec": {"priority": 1}},
            {"metadata": {}, "spec": {"archiveLogs": True, "priority": 1}},
        ),
        (True, {"spec": {"archiveLogs": False}}, {"spec": {"archiveLogs": False}}),
    ],
)
def test_logs_are_archived_unless_a_workflow_says_otherwise(
    archive: bool, given: dict[str, Any], expected: dict[str, Any]
) -> None:
    settings = Settings(artifacts=Artifacts(archive_logs=archive), engine=Engine(workflow_defaults=given))
    assert assembly.engine_settings(settings).workflow_defaults == expected


def test_the_runtime_gets_its_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[ProcessSettings] = []

    def runtime(*arguments: Any) -> None:
        given.append(arguments[-1])

    monkeypatch.setattr(assembly, "ProcessRuntime", runtime)
    images = {"mine": {"entrypoint": ["x"]}}
    held = Runtime(sandbox="none", network="none", images=images, host_paths=("/srv",))
    unused: Any = type("Unused", (), {"observe": None})
    assembly.runtime(Settings(runtime=held), unused, unused, unused, unused)
    assert given == [ProcessSettings(sandbox="none", network="none", images=images, host_paths=("/srv",))]
