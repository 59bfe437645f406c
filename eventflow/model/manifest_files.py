"""Reads manifests from files and directories."""

from collections.abc import Iterable, Iterator
from pathlib import Path

from eventflow.errors import Location
from eventflow.model import manifest
from eventflow.model.manifest import Resource
from eventflow.model.problems import ManifestError, Problem
from eventflow.model.source import Document

SUFFIXES = (".yaml", ".yml", ".json")


def load_paths(paths: Iterable[str | Path]) -> list[Resource]:
    """Return the objects of all files named, and of all *.yaml, *.yml and *.json below the directories named.

    Files found in a directory that hold no Kubernetes object at all are passed over; hidden ones too. Raises
    ManifestError with the problems of all files together.
    """
    found, problems = read_paths(paths)
    if problems:
        raise ManifestError(problems)
    return found


def read_paths(paths: Iterable[str | Path]) -> tuple[list[Resource], list[Problem]]:
    """Return the objects that can be read, and what is wrong with the other ones; see `load_paths`."""
    found: list[Resource] = []
    problems: list[Problem] = []
    for path, explicit in _files(paths):
        try:
            documents = manifest.load(path.read_bytes(), str(path))
        except ManifestError as error:
            problems.extend(error.problems)
        except OSError as error:
            problems.append(Problem("unreadable", f"cannot be read: {error.strerror}", Location(str(path))))
        else:
            if explicit or any(map(_is_object, documents)):
                read, wrong = manifest.read_each(documents)
                found.extend(read)
                problems.extend(wrong)
    return found, problems


def _files(paths: Iterable[str | Path]) -> Iterator[tuple[Path, bool]]:
    """Give each file once, and whether it was named itself."""
    seen: set[Path] = set()
    for path in map(Path, paths):
        inner = _below(path) if path.is_dir() else iter([path])
        for file in inner:
            if file not in seen:
                seen.add(file)
                yield file, file == path


def _below(directory: Path) -> Iterator[Path]:
    for entry in sorted(directory.iterdir()):
        if entry.name.startswith("."):
            continue
        if entry.is_dir():
            yield from _below(entry)
        elif entry.suffix in SUFFIXES:
            yield entry


def _is_object(document: Document) -> bool:
    return isinstance(document.tree, dict) and "kind" in document.tree and "apiVersion" in document.tree
