"""From text to `Resource`s: read, brought to today's spelling, checked against the models, and made plain again."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from eventflow.errors import Location
from eventflow.model import kinds, legacy, spelling, yaml_loader
from eventflow.model.problems import ManifestError, Problem
from eventflow.model.source import Document, Note, Path, UnreadableText, line_of

if TYPE_CHECKING:
    from pydantic import BaseModel


@dataclass(frozen=True)
class Resource:
    """One object.

    `manifest` is what the engine and the store use: plain JSON values in today's spelling, nulls dropped, parameter
    values as text. `document` is what was written. `moves` maps places in `manifest` to those in the file where the
    spelling differs. `notes` are what was accepted but should be looked at.
    """

    kind: str
    api_version: str
    name: str
    generate_name: str
    namespace: str
    manifest: dict[str, Any]
    document: Document
    moves: legacy.Moves
    notes: tuple[Note, ...]

    @cached_property
    def model(self) -> "BaseModel":
        """The manifest as its pydantic model."""
        return kinds.model_of(self.kind).model_validate(self.manifest)

    def locate(self, path: Path) -> Location:
        """Return where the value at `path` of `manifest` is written."""
        return self.document.locate(self._written(path))

    def locate_key(self, path: Path) -> Location:
        """Return where the key of the entry at `path` of `manifest` is written."""
        return self.document.locate_key(self._written(path))

    def locate_within(self, path: Path, line: int, column: int) -> Location:
        """Return where a line and column (from 1) of the text at `path` of `manifest` are written."""
        return self.document.locate_within(self._written(path), line, column)

    def _written(self, path: Path) -> legacy.Steps:
        return legacy.written_at(tuple(path), self.moves)


def parse(text: bytes | str, file: str, *, max_bytes: int = yaml_loader.MAX_BYTES) -> list[Resource]:
    """Return the objects of a YAML or JSON text in order; `List`s are taken apart.

    Raises ManifestError with every problem of the file: unknown fields and kinds, wrong types, missing fields, each
    with line, column and what was probably meant. Text that is no YAML at all raises it with the one problem found.
    """
    return read_all(load(text, file, max_bytes=max_bytes))


def load(text: bytes | str, file: str, *, max_bytes: int = yaml_loader.MAX_BYTES) -> list[Document]:
    """Return the documents of a text as they are. Raises ManifestError where it is not YAML or JSON within limits."""
    try:
        return yaml_loader.load(text, file, max_bytes=max_bytes)
    except UnreadableText as error:
        place = error.location or Location(file)
        shown = text if isinstance(text, str) else text.decode(errors="replace")
        problem = Problem("unreadable", error.message, place, error.hint, line_of(shown, place.line))
        raise ManifestError([problem]) from error


def read_all(documents: Iterable[Document]) -> list[Resource]:
    """Return the objects that documents hold, in order. Raises ManifestError with the problems of all."""
    found, problems = read_each(documents)
    if problems:
        raise ManifestError(problems)
    return found


def read_each(documents: Iterable[Document]) -> tuple[list[Resource], list[Problem]]:
    """Return the objects that can be read, and what is wrong with the others."""
    found: list[Resource] = []
    problems: list[Problem] = []
    for document in documents:
        for item in _items(document):
            try:
                found.append(read(item))
            except ManifestError as error:
                problems.extend(
                    replace(each, source=line_of(document.source, each.location.line)) for each in error.problems
                )
    return found, problems


def read(document: Document) -> Resource:
    """Return the object that a document holds. Raises ManifestError with all of its problems."""
    from pydantic import ValidationError

    from eventflow.model import checking

    kind = _kind(document)
    rewritten = legacy.rewrite(document.tree)
    model = kinds.model_of(kind)
    try:
        checked = model.model_validate(rewritten.tree)
    except ValidationError as error:
        raise ManifestError(checking.problems(error, model, document, rewritten.moves)) from error
    manifest = checked.model_dump(by_alias=True, exclude_unset=True, exclude_none=True)
    metadata = manifest.get("metadata") or {}
    _check_named(kind, metadata, document)
    resource = Resource(
        kind=kind,
        api_version=manifest["apiVersion"],
        name=metadata.get("name", ""),
        generate_name=metadata.get("generateName", ""),
        namespace=metadata.get("namespace", ""),
        manifest=manifest,
        document=document,
        moves=rewritten.moves,
        notes=_notes(kind, document, rewritten),
    )
    resource.__dict__["model"] = checked
    return resource


def _items(document: Document) -> Iterator[Document]:
    tree = document.tree
    if isinstance(tree, dict) and str(tree.get("kind")) in kinds.LISTS and isinstance(tree.get("items"), list):
        for index in range(len(tree["items"])):
            yield document.at(("items", index))
    else:
        yield document


def _kind(document: Document) -> str:
    """Return the kind, once it and its apiVersion are known. Raises ManifestError."""
    tree = document.tree
    if not isinstance(tree, dict):
        raise _error("not-an-object", "a manifest must be a mapping", document.locate(()), 'begin with "apiVersion: …"')
    for key in ("apiVersion", "kind"):
        if not isinstance(tree.get(key), str) or not tree[key]:
            close = spelling.closest(key, [name for name in tree if name not in ("apiVersion", "kind")])
            hint = (
                f'"{close}" looks like it'
                if close
                else f"is this a manifest? It needs apiVersion ({kinds.ARGO}) and kind"
            )
            raise _error("missing-field", f'"{key}" is missing', document.locate(()), hint)
    kind: str = tree["kind"]
    if kind in kinds.API_VERSIONS:
        _check_version(kind, tree["apiVersion"], document)
    elif not kinds.is_foreign(kind, tree["apiVersion"]):
        raise _unknown_kind(kind, document)
    return kind


def _check_version(kind: str, version: str, document: Document) -> None:
    wanted = kinds.API_VERSIONS[kind]
    if version != wanted:
        raise _error(
            "unknown-version",
            f"{kind} has no apiVersion {version!r}",
            document.locate(("apiVersion",)),
            f"write {wanted}",
        )


def _unknown_kind(kind: str, document: Document) -> ManifestError:
    if kind in kinds.INTERNAL:
        hint: str | None = "it is an internal object of Argo's controller; leave it out"
    else:
        hint = spelling.did_you_mean(kind, kinds.MODULES)
    return _error("unknown-kind", f'unknown kind "{kind}"', document.locate(("kind",)), hint)


def _check_named(kind: str, metadata: dict[str, Any], document: Document) -> None:
    if metadata.get("name") or metadata.get("generateName") or kind == "Workflow" or kind not in kinds.MODULES:
        return
    raise _error("missing-field", f"a {kind} needs a name", document.locate(("metadata",)), "add metadata.name")


def _notes(kind: str, document: Document, rewritten: legacy.Rewritten) -> tuple[Note, ...]:
    notes = list(document.notes)
    notes += [Note("old-spelling", text, document.locate_key(path), hint) for path, text, hint in rewritten.notes]
    if kind not in kinds.MODULES:
        place = document.locate(("kind",))
        notes.append(Note("cluster-only", f"a {kind} has no effect outside of Kubernetes", place))
    return tuple(notes)


def _error(rule: str, message: str, location: Location, hint: str | None = None) -> ManifestError:
    return ManifestError([Problem(rule, message, location, hint)])
