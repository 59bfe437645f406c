"""Orders: what a `resource` template asks for, read from its manifest and flags."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from eventflow.engine.performers import kubectl, patches
from eventflow.engine.performers.kubectl import NeedsCluster, Refused
from eventflow.engine.performers.shelf import Change, Place, Tree
from eventflow.errors import UserError
from eventflow.model import kinds, manifest
from eventflow.model.pod import Pod

STRATEGIES = ("strategic", "merge", "json")
NO_OUTPUTS = "successCondition, failureCondition and outputs are not supported for delete action"


@dataclass(frozen=True, slots=True)
class Order:
    """What to do. `manifest` is the object of create, apply and replace, with its owner; `text` what stood there."""

    action: str
    kind: str
    namespace: str
    names: Sequence[str]
    manifest: Tree
    selector: str = ""
    all: bool = False


def read(pod: Pod, text: str) -> Order:
    """Return what a pod's resource template asks for. Raises Refused as kubectl would, NeedsCluster."""
    template: Mapping[str, Any] = pod.template["resource"]
    action = str(template.get("action") or "")
    flags = [str(flag) for flag in template.get("flags") or ()]
    if not text.strip() and not flags:
        raise Refused("Must provide at least one of flags or manifest.")
    said = kubectl.arguments(flags) if action in ("get", "delete", "patch") else kubectl.arguments(_options(flags))
    tree = _tree(text) if text.strip() and not (action == "patch" and said.kind) else {}
    if action == "patch" and not said.kind and not isinstance(tree, Mapping):
        raise Refused("error: must specify the resource to patch")
    kind = said.kind or _kind(tree)
    metadata = tree.get("metadata") or {}
    namespace = said.namespace or str(metadata.get("namespace") or "") or pod.namespace
    check_kind(kind, str(tree.get("apiVersion") or ""), metadata)
    names = said.names or ((str(metadata["name"]),) if metadata.get("name") else ())
    if template.get("setOwnerReference") and action in ("create", "apply", "replace"):
        tree = _owned(tree, pod)
    return Order(action, kind, namespace, names, tree, said.selector, said.all)


def _options(flags: Sequence[str]) -> list[str]:
    return [flag for flag in flags if flag.startswith("-")]


def _tree(text: str) -> dict[str, Any]:
    try:
        documents = manifest.load(text, kubectl.MANIFEST)
    except UserError as error:
        raise Refused(f"error: error parsing {kubectl.MANIFEST}: {error}") from error
    trees = [document.tree for document in documents if document.tree is not None]
    if len(trees) != 1 or not isinstance(trees[0], dict):
        raise Refused("Kind and name are both required but at least one of them is missing from the manifest")
    return trees[0]


def _kind(tree: Mapping[str, Any]) -> str:
    if not tree.get("kind"):
        raise Refused("Kind and name are both required but at least one of them is missing from the manifest")
    return str(tree["kind"])


def check_kind(kind: str, version: str, metadata: Mapping[str, Any]) -> None:
    """Raise NeedsCluster for what only Kubernetes runs, Refused for what nobody defines."""
    if kind in kinds.FOREIGN:
        raise NeedsCluster(kind, version)
    if kind not in kinds.MODULES or (version and version != kinds.API_VERSIONS[kind]):
        name = str(metadata.get("name") or metadata.get("generateName") or "")
        raise kubectl.no_such_kind(kind, version, name, str(metadata.get("namespace") or ""))


def _owned(tree: Mapping[str, Any], pod: Pod) -> dict[str, Any]:
    """Return a manifest that names the workflow as its owner."""
    owner = {"apiVersion": kinds.ARGO, "kind": "Workflow", "name": pod.workflow, "uid": pod.workflow_uid}
    metadata = dict(tree.get("metadata") or {})
    metadata["ownerReferences"] = [*(metadata.get("ownerReferences") or ()), owner]
    return {**tree, "metadata": metadata}


def patch(strategy: str, text: str) -> Change:
    """Return what a patch does to an object. Raises Refused for a patch that is none.

    A strategic patch is a merge patch here: Kubernetes knows keys to merge lists by for its own kinds only.
    """
    if strategy not in STRATEGIES:
        raise Refused(f"error: --type must be one of {', '.join(STRATEGIES)}, not {strategy!r}")
    try:
        documents = manifest.load(text, kubectl.MANIFEST)
    except UserError as error:
        raise Refused(f"error: unable to parse the patch: {error}") from error
    wanted = documents[0].tree if documents else None
    if strategy != "json":
        if not isinstance(wanted, dict):
            raise Refused("error: unable to parse the patch: it must be a map")
        return lambda current: patches.merged(current, wanted)

    def change(current: Tree) -> Tree:
        try:
            found: Tree = patches.patched(current, wanted)
        except UserError as error:
            raise Refused(f"The request is invalid: {error.message}") from error
        return found

    return change


def places(order: Order) -> list[Place]:
    """Return the objects that an order names."""
    return [Place(order.kind, order.namespace, name) for name in order.names]
