"""What is wrong with an EventSource, found when it is applied."""

from eventflow.errors import UserError
from eventflow.model.manifest import Resource
from eventflow.model.problems import ManifestError, Problem
from eventflow.plugins import Registry
from eventflow.sources import endpoints
from eventflow.sources.contract import SourcePlugin
from eventflow.sources.payloads import shapes

_NOT_SOURCES = ("template", "service", "eventBusName", "replicas")


def check(resource: Resource, plugins: Registry[SourcePlugin]) -> None:
    """Raise ManifestError: a type that no plug-in offers, a configuration that cannot work, a name used twice."""
    problems: list[Problem] = []
    seen: dict[str, str] = {}
    for kind, held in resource.manifest["spec"].items():
        if kind in _NOT_SOURCES:
            continue
        for name, config in held.items():
            path = ("spec", kind, name)
            try:
                _check(kind, config or {}, plugins)
            except UserError as error:
                problems.append(Problem("source", error.message, resource.locate_key(path), error.hint))
            if name in seen:
                message = f"the event name {name!r} is used by {seen[name]} too"
                problems.append(Problem("duplicate-name", message, resource.locate_key(path), "names are unique"))
            seen[name] = kind
    if problems:
        raise ManifestError(problems)


def _check(kind: str, config: dict[str, object], plugins: Registry[SourcePlugin]) -> None:
    if kind in shapes.SHAPES:
        endpoints.check(kind, config)
    else:
        plugins.load(kind).check(config)
