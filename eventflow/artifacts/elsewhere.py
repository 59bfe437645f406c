"""Kinds of Argo's artifacts that eventflow knows by name but moves only with a plug-in's help."""

from eventflow.artifacts.contract import ArtifactStore
from eventflow.artifacts.environment import Environment, StorePlugin
from eventflow.errors import PermanentError

GROUP = "eventflow.artifacts"

_INSTEAD = {
    "gcs": "an s3 location reaches Google Cloud Storage too, by endpoint storage.googleapis.com and an HMAC key",
    "oss": "an s3 location reaches Alibaba OSS too, by its S3-compatible endpoint",
    "azure": "an http location reaches a blob by its SAS URL",
    "hdfs": "an http location reaches HDFS by WebHDFS",
    "plugin": "the driver plug-ins of Argo are container images, which eventflow does not run",
}


def _plugin(name: str) -> StorePlugin:
    def refuse(environment: Environment) -> ArtifactStore:
        del environment
        raise PermanentError(
            f"{name} artifacts need a plug-in: install a package that offers '{name}' in the entry-point group "
            f"{GROUP}; {_INSTEAD[name]}"
        )

    return StorePlugin(name, f"not built in; {_INSTEAD[name]}", refuse)


GCS = _plugin("gcs")
OSS = _plugin("oss")
AZURE = _plugin("azure")
HDFS = _plugin("hdfs")
PLUGIN = _plugin("plugin")
