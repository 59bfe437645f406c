"""The shelf of what the catalog keeps: ConfigMaps, Secrets, claims, templates, schedules, sensors."""

from collections.abc import Mapping
from typing import Any

from eventflow.catalog import Catalog, home
from eventflow.engine import submission
from eventflow.engine.performers import kubectl
from eventflow.engine.performers.kubectl import Refused
from eventflow.engine.performers.shelf import Change, Place, Tree
from eventflow.engine.submission import Request
from eventflow.errors import Conflict, NotFound, UserError
from eventflow.model import manifest as manifests
from eventflow.model.document import dumps
from eventflow.model.manifest import Resource
from eventflow.store.objects import Object

CREATED_BY = "workflows.eventflow.dev/created-by"
"""The annotation by which a `create` that is repeated after a crash knows the object it made."""

_TRIES = 5


class ObjectShelf:
    """Objects of the catalog, with all of its checks."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog

    async def create(self, manifest: Tree, namespace: str, key: str) -> Tree:
        metadata = dict(manifest.get("metadata") or {})
        name = metadata["name"] = _named(metadata, manifest, key)
        metadata["annotations"] = {**(metadata.get("annotations") or {}), CREATED_BY: key}
        resource = _resource({**manifest, "metadata": metadata})
        there = resource.namespace or namespace
        try:
            return (await self._put(resource, there, 0)).manifest
        except Conflict:
            found = await self._get(Place(resource.kind, there, name))
            if found is None or _creator(found) != key:
                raise kubectl.already_exists(resource.kind, name) from None
            return found.manifest

    async def apply(self, manifest: Tree, namespace: str, key: str) -> Tree:
        del key  # what is applied is named
        resource = _resource(manifest)
        return (await self._put(resource, resource.namespace or namespace, None)).manifest

    async def replace(self, place: Place, manifest: Tree) -> Tree:
        return await self.patch(place, lambda _: manifest)

    async def patch(self, place: Place, change: Change) -> Tree:
        for _ in range(_TRIES):
            found = await self._get(place)
            if found is None:
                raise kubectl.not_found(place.kind, place.name)
            resource = _resource(change(found.spec_manifest))
            if resource.name != place.name:
                raise Refused("Error from server (BadRequest): the name of an object cannot be changed")
            try:
                return (await self._put(resource, place.namespace, found.revision)).manifest
            except Conflict as error:
                conflict = error
        raise Refused(f"Error from server (Conflict): {conflict.message}")

    async def delete(self, place: Place) -> None:
        try:
            await self._catalog.delete(place.kind, place.namespace, place.name)
        except NotFound:
            return

    async def find(self, place: Place) -> Tree | None:
        found = await self._get(place)
        return None if found is None else found.manifest

    async def glance(self, place: Place) -> Tree | None:
        return await self.find(place)

    async def names(self, kind: str, namespace: str, selector: str) -> list[str]:
        found = await self._catalog.select(kind, namespace)
        return [each.name for each in found if kubectl.fits(selector, _labels(each.spec_manifest))]

    async def _get(self, place: Place) -> Object | None:
        try:
            return await self._catalog.get(place.kind, home(place.kind, place.namespace), place.name)
        except NotFound:
            return None

    async def _put(self, resource: Resource, namespace: str, expect: int | None) -> Object:
        try:
            return await self._catalog.put(resource, namespace=namespace, expect=expect)
        except Conflict:
            raise
        except UserError as error:
            raise Refused(f"Error from server (Invalid): {error.message}") from error


def _named(metadata: Mapping[str, Any], manifest: Tree, key: str) -> str:
    try:
        return submission.name_of(metadata, Request(manifest, key))
    except UserError as error:
        raise Refused("error: resource name may not be empty") from error


def _resource(manifest: Tree) -> Resource:
    try:
        return manifests.parse(dumps(manifest), kubectl.MANIFEST)[0]
    except UserError as error:
        raise Refused(f'error: error validating "{kubectl.MANIFEST}": {error}') from error


def _creator(found: Object) -> str:
    return str(((found.spec_manifest.get("metadata") or {}).get("annotations") or {}).get(CREATED_BY) or "")


def _labels(manifest: Tree) -> Mapping[str, str]:
    return (manifest.get("metadata") or {}).get("labels") or {}
