"""podSpecPatch: a strategic merge patch over a pod's specification (Kubernetes' apimachinery, strategicpatch).

Maps are merged; lists whose elements have a merge key are merged by it, others are replaced; null removes;
`$patch: delete` removes an element, `$patch: replace` replaces a map.
"""

from collections.abc import Mapping
from typing import Any

import yaml

from eventflow.errors import UserError

_MERGE_KEYS = {
    "containers": "name",
    "initContainers": "name",
    "ephemeralContainers": "name",
    "volumes": "name",
    "env": "name",
    "volumeMounts": "mountPath",
    "volumeDevices": "devicePath",
    "ports": "containerPort",
    "imagePullSecrets": "name",
    "hostAliases": "ip",
}


def apply(target: Mapping[str, Any], patch: str) -> dict[str, Any]:
    """Return `target` with the patch (YAML or JSON text) merged in. Raises UserError."""
    try:
        tree = yaml.load(patch, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506 - a safe loader
    except yaml.YAMLError as error:
        raise UserError(f"podSpecPatch is not YAML: {error}", hint="quote the whole patch, or use a | block") from error
    if tree is None:
        return dict(target)
    if not isinstance(tree, dict):
        raise UserError("podSpecPatch must be a map", hint='for example {"containers":[{"name":"main",...}]}')
    return _merge(dict(target), tree)


def _merge(target: Mapping[str, Any], patch: Mapping[str, Any]) -> dict[str, Any]:
    if patch.get("$patch") == "replace":
        return {key: value for key, value in patch.items() if key != "$patch"}
    result = dict(target)
    for key, value in patch.items():
        if key == "$patch":
            continue
        if value is None:
            result.pop(key, None)
        elif isinstance(value, dict) and isinstance(result.get(key), Mapping):
            result[key] = _merge(result[key], value)
        elif isinstance(value, list) and key in _MERGE_KEYS:
            result[key] = _merge_lists(result.get(key) or [], value, _MERGE_KEYS[key])
        else:
            result[key] = value
    return result


def _merge_lists(target: list[Any], patch: list[Any], key: str) -> list[Any]:
    result = list(target)
    for item in patch:
        if not isinstance(item, dict) or key not in item:
            raise UserError(f"podSpecPatch: an element of a list has no {key!r}, by which it would be merged")
        at = next((n for n, old in enumerate(result) if old.get(key) == item[key]), None)
        if item.get("$patch") == "delete":
            result = [old for old in result if old.get(key) != item[key]]
        elif at is None:
            result.append(item)
        else:
            result[at] = _merge(result[at], item)
    return result
