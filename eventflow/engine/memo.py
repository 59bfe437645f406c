"""The memoization cache: ConfigMaps of eventflow's own store, one entry a key.

Source of the form: Argo v4.1.2 workflow/controller/cache/configmap_cache.go.
"""

import re
from typing import TYPE_CHECKING, Any

import orjson

from eventflow.clock import Clock, parse_rfc3339, rfc3339
from eventflow.engine.core.commands import LoadMemo, SaveMemo
from eventflow.engine.core.stimuli import MemoLoaded
from eventflow.errors import UserError
from eventflow.store import objects
from eventflow.store.contract import Store, Work

if TYPE_CHECKING:
    from eventflow.engine.runner import Runner

CACHE_LABEL = "workflows.argoproj.io/configmap-type"
_KEY = re.compile(r"^[a-zA-Z0-9][-a-zA-Z0-9]*$")


class Memo:
    """Looks up and keeps the outputs of memoized templates."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    async def perform(self, runner: "Runner", command: LoadMemo | SaveMemo) -> None:
        """Carry out one command; a look-up is answered with MemoLoaded."""
        namespace = runner.workflow.state.namespace
        now = self._clock.now()
        if isinstance(command, SaveMemo):
            node = runner.workflow.nodes[command.node]
            entry = {
                "nodeID": node.id,
                "outputs": node.outputs,
                "creationTimestamp": rfc3339(now),
                "lastHitTimestamp": rfc3339(now),
            }
            await self._store.write(lambda: _save(namespace, command, entry, now))
            return
        try:
            outputs = await self._store.read(lambda: _load(namespace, command, now))
            runner.post(MemoLoaded(command.node, now, outputs))
        except UserError as error:
            runner.post(MemoLoaded(command.node, now, problem=error.message))


def _load(namespace: str, command: LoadMemo, now: float) -> Work[dict[str, Any] | None]:
    if not _KEY.match(command.key):
        raise UserError(f"invalid cache key: {command.key}", hint="use letters, digits and hyphens")
    found = yield from objects.get("ConfigMap", namespace, command.cache)
    if found is None:
        return None
    if (found.spec_manifest.get("metadata") or {}).get("labels", {}).get(CACHE_LABEL) != "Cache":
        raise UserError(
            f"ConfigMap '{command.cache}' needs to have the label {CACHE_LABEL}: Cache to load it into the cache"
        )
    text = (found.spec_manifest.get("data") or {}).get(command.key)
    if text is None:
        return None
    entry = orjson.loads(text)
    if command.max_age is not None and now - parse_rfc3339(entry["creationTimestamp"]) > command.max_age:
        return None
    return entry.get("outputs") or {}


def _save(namespace: str, command: SaveMemo, entry: dict[str, Any], now: float) -> Work[None]:
    found = yield from objects.get("ConfigMap", namespace, command.cache, lock=True)
    manifest = dict(found.spec_manifest) if found is not None else _new(namespace, command.cache)
    manifest["data"] = {**(manifest.get("data") or {}), command.key: orjson.dumps(entry).decode()}
    yield from objects.put("ConfigMap", namespace, command.cache, manifest, now)


def _new(namespace: str, name: str) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": name, "namespace": namespace, "labels": {CACHE_LABEL: "Cache"}},
    }
