"""The environment of a container: literals, ConfigMaps, Secrets, fields of the pod, and Argo's own variables.

Pure: the objects referred to are fetched before (`references`) and handed in. Rules: Kubernetes' EnvVar and EnvFrom;
$(NAME) in values, commands and arguments as in its "Define dependent environment variables".
"""

import base64
import binascii
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from eventflow.clock import rfc3339
from eventflow.errors import UserError
from eventflow.model.pod import Pod
from eventflow.runtimes import quantities
from eventflow.runtimes.containers import Container, Spec

Reference = tuple[str, str]
Objects = Mapping[Reference, Mapping[str, Any] | None]
Rewrite = Callable[[str], str]

CONFIG_MAP = "ConfigMap"
SECRET = "Secret"  # noqa: S105 - a kind, not a secret
PROGRESS_FILE = "/var/run/argo/progress"
TEMPLATE_LIMIT = 128 << 10
TEMPLATE_FILE = "/argo/config/ARGO_TEMPLATE"

_DEPENDENT = re.compile(r"\$\$|\$\(([^()]*)\)")
_BRACKETS = re.compile(r"^metadata\.(labels|annotations)\['(.*)'\]$")


@dataclass(frozen=True, slots=True)
class Facts:
    """What a pod may ask about itself."""

    pod: Pod
    uid: str
    host: str
    ip: str = "127.0.0.1"

    def field(self, path: str) -> str:
        """Return what a fieldRef names. Raises UserError."""
        labelled = _BRACKETS.match(path)
        if labelled:
            return (self.pod.labels if labelled[1] == "labels" else self.pod.annotations).get(labelled[2], "")
        known = {
            "metadata.name": self.pod.name,
            "metadata.namespace": self.pod.namespace,
            "metadata.uid": self.uid,
            "metadata.labels": _quoted(self.pod.labels),
            "metadata.annotations": _quoted(self.pod.annotations),
            "spec.nodeName": self.host,
            "spec.serviceAccountName": str(self.pod.workflow_spec.get("serviceAccountName") or "default"),
            "status.podIP": self.ip,
            "status.hostIP": self.ip,
        }
        if path not in known:
            raise UserError(f"fieldRef {path!r} is not known", hint=f"one of {', '.join(known)}")
        return known[path]


def references(containers: Iterable[Container]) -> set[Reference]:
    """Return the ConfigMaps and Secrets that the containers' environments refer to."""
    found: set[Reference] = set()
    for container in containers:
        for source in container.spec.get("envFrom") or ():
            found |= {(kind, ref["name"]) for kind, ref in _sources(source)}
        for variable in container.spec.get("env") or ():
            found |= {(kind, ref["name"]) for kind, ref in _key_sources(variable.get("valueFrom") or {})}
    return found


def as_written(text: str) -> str:
    """Leave a text as it is."""
    return text


def of_container(
    container: Container, facts: Facts, objects: Objects, base: Mapping[str, str], rewrite: Rewrite = as_written
) -> dict[str, str]:
    """Return the environment: `base`, then envFrom, then env in order, later ones winning. Raises UserError.

    `rewrite` is applied to values that the manifest gives or a ConfigMap holds, before $(NAME) is replaced in them.
    """
    env = dict(base)
    for source in container.spec.get("envFrom") or ():
        env.update(_from_source(source, objects, rewrite))
    for variable in container.spec.get("env") or ():
        value = _value(variable, container, facts, objects, rewrite)
        if value is not None:
            env[variable["name"]] = expand(value, env)
    return env


def argo(pod: Pod, uid: str) -> dict[str, str]:
    """Return what all containers of a pod share: the engine's variables, and Argo's (v4.1.2 workflow/common)."""
    env = {
        "ARGO_POD_NAME": pod.name,
        "ARGO_POD_UID": uid,
        "ARGO_NODE_ID": pod.node_id,
        "ARGO_WORKFLOW_NAME": pod.workflow,
        "ARGO_WORKFLOW_UID": pod.workflow_uid,
        "ARGO_INCLUDE_SCRIPT_OUTPUT": str(pod.capture_result).lower(),
        "ARGO_DEADLINE": rfc3339(pod.deadline) if pod.deadline is not None else "0001-01-01T00:00:00Z",
        "ARGO_PROGRESS_FILE": PROGRESS_FILE,
    }
    env.update(pod.environment)
    template = template_text(pod)
    env["ARGO_TEMPLATE"] = template if len(template) < TEMPLATE_LIMIT - 16 else "offloaded"
    return env


def template_text(pod: Pod) -> str:
    """Return the template as JSON. What does not fit into a variable is to be written to TEMPLATE_FILE."""
    return orjson.dumps(pod.template).decode()


def expand(text: str, env: Mapping[str, str]) -> str:
    """Replace $(NAME) by the variable; an unknown one is left as it is, $$ is a single $."""
    if "$" not in text:
        return text
    return _DEPENDENT.sub(lambda m: "$" if m[0] == "$$" else env.get(m[1], m[0]), text)


def data_of(manifest: Mapping[str, Any]) -> dict[str, bytes]:
    """Return what a ConfigMap or Secret holds. Raises UserError for a Secret that is not base64."""
    found = {key: str(value).encode() for key, value in (manifest.get("stringData") or {}).items()}
    encoded = manifest.get("kind") == SECRET
    for key, value in (manifest.get("data") or {}).items():
        found.setdefault(key, _decoded(manifest, key, value) if encoded else str(value).encode())
    for key, value in (manifest.get("binaryData") or {}).items():
        found.setdefault(key, _decoded(manifest, key, value))
    return found


def required(objects: Objects, kind: str, ref: Mapping[str, Any]) -> dict[str, bytes] | None:
    """Return the data of an object that is referred to; None if it is absent and may be. Raises UserError."""
    manifest = objects.get((kind, ref["name"]))
    if manifest is None:
        if ref.get("optional"):
            return None
        raise UserError(f'{kind.lower()} "{ref["name"]}" not found', hint=f"apply the {kind}, or say optional: true")
    return data_of(manifest)


def _sources(source: Spec) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for key, kind in (("configMapRef", CONFIG_MAP), ("secretRef", SECRET)):
        if source.get(key):
            yield kind, source[key]


def _key_sources(value_from: Spec) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for key, kind in (("configMapKeyRef", CONFIG_MAP), ("secretKeyRef", SECRET)):
        if value_from.get(key):
            yield kind, value_from[key]


def _from_source(source: Spec, objects: Objects, rewrite: Rewrite) -> dict[str, str]:
    prefix = source.get("prefix") or ""
    return {
        prefix + key: _shown(kind, value, rewrite)
        for kind, ref in _sources(source)
        for key, value in (required(objects, kind, ref) or {}).items()
    }


def _shown(kind: str, value: bytes, rewrite: Rewrite) -> str:
    text = value.decode("utf-8", "replace")
    return text if kind == SECRET else rewrite(text)


def _value(variable: Spec, container: Container, facts: Facts, objects: Objects, rewrite: Rewrite) -> str | None:
    value_from = variable.get("valueFrom")
    if not value_from:
        return rewrite(str(variable.get("value") if variable.get("value") is not None else ""))
    for kind, ref in _key_sources(value_from):
        data = required(objects, kind, ref)
        if data is not None and ref["key"] in data:
            return _shown(kind, data[ref["key"]], rewrite)
        if ref.get("optional"):
            return None
        raise UserError(f"couldn't find key {ref['key']} in {kind} {facts.pod.namespace}/{ref['name']}")
    if value_from.get("fieldRef"):
        return facts.field(value_from["fieldRef"]["fieldPath"])
    if value_from.get("resourceFieldRef"):
        return _resource(container, value_from["resourceFieldRef"])
    raise UserError(f"env {variable.get('name')!r}: valueFrom names no source that is known")


def _resource(container: Container, ref: Mapping[str, Any]) -> str:
    group, _, name = str(ref["resource"]).partition(".")
    resources = container.spec.get("resources") or {}
    amount = (resources.get(group) or {}).get(name)
    return quantities.in_units(str(amount or "0"), str(ref.get("divisor") or "1"))


def _quoted(labels: Mapping[str, str]) -> str:
    return "\n".join(f"{key}={orjson.dumps(value).decode()}" for key, value in sorted(labels.items()))


def _decoded(manifest: Mapping[str, Any], key: str, value: object) -> bytes:
    try:
        return base64.b64decode(str(value), validate=False)
    except binascii.Error as error:
        name = (manifest.get("metadata") or {}).get("name", "")
        raise UserError(f"{manifest.get('kind')} {name}: {key!r} is not base64", hint="use stringData") from error
