"""eventflow's own objects, as a Kubernetes API server would keep them: manifests by kind, namespace and name.

Kinds: WorkflowTemplate, ClusterWorkflowTemplate, CronWorkflow, Sensor, EventSource, WorkflowEventBinding, ConfigMap,
Secret, PersistentVolumeClaim ... Cluster-scoped kinds have the namespace "". Every change is kept as a version.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import orjson

from eventflow.clock import rfc3339
from eventflow.errors import Conflict, NotFound
from eventflow.model import identity
from eventflow.store.contract import Row, Statement, Work

Change = Literal["created", "configured", "unchanged"]
Manifest = Mapping[str, Any]

# What an API server writes itself and ignores in what users apply.
_SERVERS = ("uid", "resourceVersion", "generation", "creationTimestamp", "managedFields", "selfLink")
_COLUMNS = "kind, namespace, name, uid, revision, generation, number, created_at, updated_at, manifest, status"


@dataclass(frozen=True, slots=True)
class Object:
    """A stored object.

    `spec_manifest` is what was applied, without server fields and status. `revision` is the resource version: it grows
    over all objects. `generation` grows when more than metadata changed, `number` with every change, even deletion.
    """

    kind: str
    namespace: str
    name: str
    uid: str
    revision: int
    generation: int
    number: int
    created_at: float
    updated_at: float
    spec_manifest: dict[str, Any]
    status: dict[str, Any] | None

    @property
    def manifest(self) -> dict[str, Any]:
        """The object as an API server shows it: metadata completed, status added."""
        metadata = {
            **self.spec_manifest.get("metadata", {}),
            "name": self.name,
            "uid": self.uid,
            "resourceVersion": str(self.revision),
            "generation": self.generation,
            "creationTimestamp": rfc3339(self.created_at),
        }
        if self.namespace:
            metadata["namespace"] = self.namespace
        whole = {**self.spec_manifest, "metadata": metadata}
        return whole if self.status is None else {**whole, "status": self.status}


@dataclass(frozen=True, slots=True)
class Version:
    """One change of an object. `action` is created, configured or deleted; `digest` the SHA-256 of the manifest."""

    number: int
    revision: int
    generation: int
    at: float
    action: str
    digest: str
    manifest: dict[str, Any]


def put(
    kind: str, namespace: str, name: str, manifest: Manifest, now: float, expect: int | None = None
) -> Work[tuple[Object, Change]]:
    """Create or replace an object; what is equal to the stored manifest changes nothing.

    Status and server fields in `manifest` are ignored. With `expect`, the stored revision must be that one (0: the
    object must not exist). Raises Conflict.
    """
    current = yield from _locked(kind, namespace, name, now)
    _expect(kind, name, current, expect)
    wanted = _applied(manifest)
    body, digest = _encode(wanted)
    if current is not None and _encode(current.spec_manifest)[1] == digest:
        return current, "unchanged"
    number = 1 + (current.number if current else (yield from _last_number(kind, namespace, name)))
    action: Change = "configured" if current else "created"
    made = Object(
        kind=kind,
        namespace=namespace,
        name=name,
        uid=current.uid if current else identity.uid_for(kind, namespace, name, str(number)),
        revision=0,
        generation=_generation(current, wanted),
        number=number,
        created_at=current.created_at if current else now,
        updated_at=now,
        spec_manifest=wanted,
        status=current.status if current else None,
    )
    revision = yield from _record(made, number, action, digest, body, now)
    yield from _save(made, revision, digest, body)
    return replace(made, revision=revision), action


def get(kind: str, namespace: str, name: str, *, lock: bool = False) -> Work[Object | None]:
    """Return an object, None when there is none; with `lock`, keep it from others until the transaction ends."""
    rows = yield Statement(
        f"SELECT {_COLUMNS} FROM objects WHERE kind = $1 AND namespace = $2 AND name = $3"  # noqa: S608
        + (" {%for_update%}" if lock else ""),
        (kind, namespace, name),
    )
    return _object(rows[0]) if rows else None


def select(kind: str, namespace: str | None = None, labels: Mapping[str, str] | None = None) -> Work[list[Object]]:
    """Return the objects of a kind by namespace and name; `labels` must all be equal."""
    some = "" if namespace is None else "AND namespace = $2"
    rows = yield Statement(
        f"SELECT {_COLUMNS} FROM objects WHERE kind = $1 {some} ORDER BY namespace, name",  # noqa: S608
        (kind,) if namespace is None else (kind, namespace),
    )
    found = (_object(row) for row in rows)
    return [one for one in found if (labels or {}).items() <= _labels(one).items()]


def delete(kind: str, namespace: str, name: str, now: float, expect: int | None = None) -> Work[bool]:
    """Delete an object, its history kept; False when there is none. Raises Conflict as `put` does."""
    current = yield from get(kind, namespace, name, lock=True)
    if current is None:
        return False
    _expect(kind, name, current, expect)
    body, digest = _encode(current.spec_manifest)
    yield from _record(current, current.number + 1, "deleted", digest, body, now)
    yield Statement(
        "DELETE FROM objects WHERE kind = $1 AND namespace = $2 AND name = $3",
        (kind, namespace, name),
    )
    return True


def set_status(kind: str, namespace: str, name: str, status: Manifest, now: float) -> Work[None]:
    """Replace an object's status, which has no history. Raises NotFound."""
    rows = yield Statement(
        "UPDATE objects SET status = $4, updated_at = $5 WHERE kind = $1 AND namespace = $2 AND name = $3 RETURNING 1",
        (kind, namespace, name, orjson.dumps(dict(status)), now),
    )
    if not rows:
        raise NotFound(f"{kind} {namespace}/{name} does not exist")


def versions(kind: str, namespace: str, name: str) -> Work[list[Version]]:
    """Return every change of the objects that had this name, the newest first."""
    rows = yield Statement(
        "SELECT number, revision, generation, at, action, digest, manifest FROM object_versions"
        " WHERE kind = $1 AND namespace = $2 AND name = $3 ORDER BY number DESC",
        (kind, namespace, name),
    )
    return [_version(row) for row in rows]


def revision(kinds: Sequence[str]) -> Work[int]:
    """Return the revision of the newest change to any object of these kinds, 0 without one.

    Checked in the transaction that relies on a cached list (of sensors, say), it tells whether the list is current.
    """
    newest = 0
    for kind in kinds:
        rows = yield Statement("SELECT MAX(revision) FROM object_versions WHERE kind = $1", (kind,))
        newest = max(newest, rows[0][0] or 0)
    return newest


def _record(made: Object, number: int, action: str, digest: str, body: bytes, now: float) -> Work[int]:
    rows = yield Statement(
        """
        INSERT INTO object_versions (kind, namespace, name, uid, number, generation, at, action, digest, manifest)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) RETURNING revision
        """,
        (made.kind, made.namespace, made.name, made.uid, number, made.generation, now, action, digest, body),
    )
    stored: int = rows[0][0]
    return stored


def _locked(kind: str, namespace: str, name: str, now: float) -> Work[Object | None]:
    """Return the object to change, None for a new one; either way its row is this transaction's until it ends.

    A new one's row is made before anything is read for it: what is not there cannot be locked.
    """
    current = yield from get(kind, namespace, name, lock=True)
    if current is not None:
        return current
    rows = yield Statement(
        """
        INSERT INTO objects (kind, namespace, name, uid, revision, generation, number, digest, created_at, updated_at,
          manifest)
        VALUES ($1, $2, $3, '', 0, 0, 0, '', $4, $5, $6) ON CONFLICT DO NOTHING RETURNING revision
        """,
        (kind, namespace, name, now, now, b"{}"),
    )
    return None if rows else (yield from get(kind, namespace, name, lock=True))


def _save(made: Object, revision: int, digest: str, body: bytes) -> Work[None]:
    yield Statement(
        """
        UPDATE objects SET uid = $4, revision = $5, generation = $6, number = $7, digest = $8, updated_at = $9,
          manifest = $10
        WHERE kind = $1 AND namespace = $2 AND name = $3
        """,
        (
            *(made.kind, made.namespace, made.name, made.uid, revision, made.generation, made.number),
            *(digest, made.updated_at, body),
        ),
    )


def _last_number(kind: str, namespace: str, name: str) -> Work[int]:
    rows = yield Statement(
        "SELECT COALESCE(MAX(number), 0) FROM object_versions WHERE kind = $1 AND namespace = $2 AND name = $3",
        (kind, namespace, name),
    )
    number: int = rows[0][0]
    return number


def _expect(kind: str, name: str, current: Object | None, expect: int | None) -> None:
    stored = current.revision if current else 0
    if expect is not None and expect != stored:
        raise Conflict(
            f"{kind} {name} has changed: resource version {expect} was expected, {stored} is stored",
            hint="read it again and apply your change to what you find",
        )


def _applied(manifest: Manifest) -> dict[str, Any]:
    metadata = {key: value for key, value in manifest.get("metadata", {}).items() if key not in _SERVERS}
    return {**{key: value for key, value in manifest.items() if key != "status"}, "metadata": metadata}


def _encode(manifest: Manifest) -> tuple[bytes, str]:
    canonical = orjson.dumps(dict(manifest), option=orjson.OPT_SORT_KEYS)
    return orjson.dumps(dict(manifest)), hashlib.sha256(canonical).hexdigest()


def _generation(current: Object | None, wanted: Manifest) -> int:
    if current is None:
        return 1
    before = {key: value for key, value in current.spec_manifest.items() if key != "metadata"}
    after = {key: value for key, value in wanted.items() if key != "metadata"}
    return current.generation + (before != after)


def _labels(found: Object) -> Mapping[str, str]:
    labels: Mapping[str, str] = found.spec_manifest.get("metadata", {}).get("labels") or {}
    return labels


def _version(row: Row) -> Version:
    number, revision, generation, at, action, digest, manifest = row
    return Version(number, revision, generation, at, action, digest, orjson.loads(manifest))


def _object(row: Row) -> Object:
    values = list(row)
    values[9] = orjson.loads(row[9])
    values[10] = None if row[10] is None else orjson.loads(row[10])
    return Object(*values)
