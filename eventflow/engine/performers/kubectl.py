"""What kubectl calls things and says: kinds on its command line, its flags, and the words of its refusals.

A refusal ends a `resource` node as Failed, as when kubectl failed in the pod that Argo would have run.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from eventflow.errors import UserError
from eventflow.expressions import selector
from eventflow.model import kinds

MANIFEST = "/tmp/manifest.yaml"  # noqa: S108 - where Argo's executor has it; only shown in messages
_SHORT = {
    "cm": "ConfigMap",
    "pvc": "PersistentVolumeClaim",
    "wf": "Workflow",
    "wftmpl": "WorkflowTemplate",
    "cwft": "ClusterWorkflowTemplate",
    "cwftmpl": "ClusterWorkflowTemplate",
    "cwf": "CronWorkflow",
    "cronwf": "CronWorkflow",
    "wfeb": "WorkflowEventBinding",
    "es": "EventSource",
    "eb": "EventBus",
    "sn": "Sensor",
    "po": "Pod",
    "svc": "Service",
    "deploy": "Deployment",
    "sts": "StatefulSet",
    "ds": "DaemonSet",
    "rs": "ReplicaSet",
    "sa": "ServiceAccount",
    "ns": "Namespace",
    "pv": "PersistentVolume",
    "ing": "Ingress",
    "netpol": "NetworkPolicy",
    "quota": "ResourceQuota",
}
_VALUED = frozenset(
    {"-o", "--output", "-p", "--patch", "--type", "--field-selector", "--timeout", "--grace-period", "--cascade"}
)


class Refused(UserError):
    """What kubectl would have said on its way out."""


class NeedsCluster(UserError):
    """A kind that only a cluster has a use for."""

    def __init__(self, kind: str, version: str = "") -> None:
        known = f' in version "{version}"' if version else ""
        super().__init__(f'needs a Kubernetes cluster: kind {kind} (error: no matches for kind "{kind}"{known})')


@dataclass(frozen=True, slots=True)
class Arguments:
    """What flags say: a kind and names, a label selector, a namespace; everything else has no meaning here."""

    kind: str = ""
    names: tuple[str, ...] = ()
    selector: str = ""
    namespace: str = ""
    all: bool = False


def arguments(flags: Sequence[str]) -> Arguments:
    """Return what kubectl's command line says. Raises Refused for a kind that there is not."""
    kind, names, values = "", list[str](), dict[str, str]()
    for name, value in _options(flags):
        if name:
            values[name] = value
        elif "/" in value and not kind:
            word, _, own = value.partition("/")
            kind = kind_named(word)
            names.append(own)
        elif kind:
            names.append(value.rpartition("/")[2])
        else:
            kind = kind_named(value)
    return Arguments(
        kind,
        tuple(names),
        values.get("-l", values.get("--selector", "")),
        values.get("-n", values.get("--namespace", "")),
        values.get("--all", "false") != "false",
    )


def _options(flags: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Yield options by name with their values, and plain words with the name ""."""
    left = iter(flags)
    for flag in left:
        if not flag.startswith("-"):
            yield "", flag
        elif "=" in flag:
            name, _, value = flag.partition("=")
            yield name, value
        elif flag in ("-l", "--selector", "-n", "--namespace") or flag in _VALUED:
            yield flag, next(left, "")
        else:
            yield flag, "true"


def kind_named(word: str) -> str:
    """Return the kind that a word of the command line names: `cm`, `configmaps`, `workflow.argoproj.io`."""
    name = word.partition(".")[0].lower()
    for kind in (*kinds.MODULES, *kinds.FOREIGN):
        if name in (kind.lower(), plural(kind)):
            return kind
    if name in _SHORT:
        return _SHORT[name]
    raise Refused(f'error: the server doesn\'t have a resource type "{word}"')


def plural(kind: str) -> str:
    """Return a kind's plural as URLs have it."""
    word = kind.lower()
    if word.endswith("s"):
        return f"{word}es"
    return f"{word[:-1]}ies" if word.endswith("y") else f"{word}s"


def resource(kind: str) -> str:
    """Return a kind as the API server names it in errors: `configmaps`, `workflows.argoproj.io`."""
    return plural(kind) if kinds.MODULES[kind] == "objects" else f"{plural(kind)}.argoproj.io"


def not_found(kind: str, name: str) -> Refused:
    """The API server has no such object."""
    return Refused(f'Error from server (NotFound): {resource(kind)} "{name}" not found')


def already_exists(kind: str, name: str) -> Refused:
    """The API server has such an object already."""
    return Refused(
        f'Error from server (AlreadyExists): error when creating "{MANIFEST}": {resource(kind)} "{name}" already exists'
    )


def forbidden(kind: str, verb: str, namespace: str, own: str) -> Refused:
    """The object is in another namespace than the workflow."""
    return Refused(
        f"Error from server (Forbidden): {resource(kind)} is forbidden: a workflow of the namespace {own!r} "
        f"cannot {verb} resource {plural(kind)!r} in the namespace {namespace!r}"
    )


def no_such_kind(kind: str, version: str, name: str, namespace: str) -> Refused:
    """Nothing defines the kind."""
    return Refused(
        f'error: resource mapping not found for name: "{name}" namespace: "{namespace}" from "{MANIFEST}": '
        f'no matches for kind "{kind}" in version "{version}"\nensure CRDs are installed first'
    )


def fits(wanted: str, labels: Mapping[str, str]) -> bool:
    """Whether labels fit a selector. Raises SelectorError."""
    return all(_holds(term, labels) for term in selector.parse(wanted))


def _holds(term: selector.Requirement, labels: Mapping[str, str]) -> bool:
    value = labels.get(term.key)
    match term.operator:
        case "exists":
            return value is not None
        case "!":
            return value is None
        case "!=" | "notin":
            return value is None or value not in term.values
        case "gt" | "lt":
            if value is None or not value.lstrip("-").isdigit():
                return False
            return int(value) > int(term.values[0]) if term.operator == "gt" else int(value) < int(term.values[0])
    return value is not None and value in term.values
