"""The core Kubernetes objects that eventflow keeps in its own store."""

from pydantic import ConfigDict

from eventflow.model import kubernetes
from eventflow.model.fields import Flag, Object, Text, TextMap
from eventflow.model.workflow import Manifest


class ConfigMap(Manifest):
    """Texts by key."""

    data: TextMap = None
    binary_data: TextMap = None
    immutable: Flag = None


class Secret(Manifest):
    """Secrets by key: `data` in base64, `stringData` as text."""

    data: TextMap = None
    string_data: TextMap = None
    type: Text = None
    immutable: Flag = None


class PersistentVolumeClaim(Manifest):
    """A directory that outlives pods."""

    spec: kubernetes.ClaimSpec


class Foreign(Object):
    """An object that only a cluster, or another tool, has a use for; nothing but its name is looked at."""

    model_config = ConfigDict(extra="allow")

    api_version: str
    kind: str
    metadata: kubernetes.ObjectMeta | None = None
