"""Which store an artifact names, and what it inherits from the repository.

After Argo v4.1.2 `pkg/apis/workflow/v1alpha1/workflow_types.go` (ArtifactLocation: HasLocation, Relocate, SetKey):
an artifact holds one of the location keys; one that has a key but no place takes the place of the repository.
"""

from collections.abc import Mapping
from posixpath import join as join_key
from typing import Any

import yarl

from eventflow.artifacts import keys
from eventflow.artifacts.contract import BadLocation, Location

LOCAL = "local"

_KEY_FIELDS = {
    LOCAL: "key",
    "s3": "key",
    "gcs": "key",
    "oss": "key",
    "azure": "blob",
    "hdfs": "path",
    "plugin": "key",
}
_PLACE_FIELDS = {
    LOCAL: (),
    "s3": ("endpoint", "bucket"),
    "gcs": ("bucket",),
    "oss": ("endpoint", "bucket"),
    "azure": ("endpoint", "container"),
    "hdfs": ("addresses",),
    "plugin": ("name",),
    "http": ("url",),
    "artifactory": ("url",),
    "git": ("repo",),
    "raw": (),
}
KINDS = tuple(_PLACE_FIELDS)


def kind_of(artifact: Mapping[str, Any]) -> str | None:
    """The location key that an artifact or a repository holds, or None. Raises BadLocation when it holds several."""
    found = [kind for kind in KINDS if artifact.get(kind) is not None]
    if len(found) > 1:
        name = artifact.get("name", "")
        raise BadLocation(f"artifact '{name}' has more than one location: {', '.join(found)}", hint="keep one of them")
    return found[0] if found else None


def key_of(kind: str, location: Location) -> str:
    """The key within the store, `""` if there is none. For http and artifactory it is the path of the URL."""
    if kind in _KEY_FIELDS:
        return str(location.get(_KEY_FIELDS[kind]) or "")
    if kind in ("http", "artifactory") and location.get("url"):
        return yarl.URL(str(location["url"])).path.lstrip("/")
    return ""


def with_key(kind: str, location: Location, key: str) -> dict[str, Any]:
    """The location with another key. Raises BadLocation for kinds that have no keys."""
    if kind in _KEY_FIELDS:
        return {**location, _KEY_FIELDS[kind]: keys.check(key)}
    if kind in ("http", "artifactory"):
        url = yarl.URL(str(location.get("url") or ""))
        return {**location, "url": str(url.with_path("/" + keys.check(key)))}
    raise BadLocation(f"{kind} artifacts have no key", hint="give outputs an s3 or http location, or none at all")


def has_place(kind: str, location: Location) -> bool:
    """Whether a location says where its store is."""
    return all(location.get(field) for field in _PLACE_FIELDS[kind])


def complete(artifact: Mapping[str, Any], repository: Mapping[str, Any]) -> tuple[str, dict[str, Any]] | None:
    """Return the store's kind and the whole location of an artifact, or None when it has neither place nor key.

    What a location of the repository's own kind leaves out, it takes from the repository. One of another kind that
    has only a key moves to the repository altogether. Raises BadLocation when a place is only half named.
    """
    kind = kind_of(artifact)
    if kind is None:
        return None
    own = dict(artifact[kind])
    if has_place(kind, own) and (kind not in _KEY_FIELDS or key_of(kind, own)):
        return kind, own
    key = key_of(kind, own)
    if not key:
        return None
    home = kind_of(repository) or LOCAL
    inherited = repository.get(home) or {}
    if home == kind:
        return kind, {**inherited, **{field: value for field, value in own.items() if value not in (None, "")}}
    partial = [field for field in _PLACE_FIELDS[kind] if own.get(field)]
    if partial:
        missing = [field for field in _PLACE_FIELDS[kind] if not own.get(field)]
        raise BadLocation(
            f"artifact '{artifact.get('name', '')}' names the {kind} {partial[0]} '{own[partial[0]]}' "
            f"but no {' or '.join(missing)}",
            hint="name the whole place, or only the key to use the default repository",
        )
    return home, with_key(home, inherited, key)


def assign(artifact: Mapping[str, Any], repository: Mapping[str, Any], file_name: str) -> dict[str, Any]:
    """Return the artifact with a location to save it at: its own, or a key below the repository's.

    As in Argo the stored form stays key-only (`s3: {key: ...}`); `complete` adds the place. The repository's key is
    the directory of the pod (`{workflow}/{pod}`) or already ends in the file's name.
    """
    kind = kind_of(artifact)
    if kind is not None and (key_of(kind, artifact[kind]) or has_place(kind, artifact[kind])):
        return dict(artifact)
    home = kind_of(repository) or LOCAL
    location = repository.get(home) or {}
    prefix = key_of(home, location)
    if not prefix:
        raise BadLocation(f"artifact '{artifact.get('name', '')}' has no key, and the repository gives none")
    key = prefix if prefix.rsplit("/", 1)[-1] == file_name else join_key(prefix, file_name)
    bare = {name: value for name, value in artifact.items() if name not in KINDS}
    if home in ("http", "artifactory"):
        return {**bare, home: with_key(home, location, key)}
    return {**bare, "s3" if home == LOCAL else home: with_key("s3" if home == LOCAL else home, {}, key)}
