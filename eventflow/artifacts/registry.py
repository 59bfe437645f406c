"""The kinds of artifact stores that come with eventflow."""

from eventflow.artifacts.elsewhere import GROUP
from eventflow.artifacts.environment import StorePlugin
from eventflow.plugins import Registry


def stores() -> Registry[StorePlugin]:
    """A registry of the built-in kinds, one for each location key of Argo, and of those that packages add."""
    here = "eventflow.artifacts"
    return Registry(
        "artifact store",
        GROUP,
        {
            "local": f"{here}.local:PLUGIN",
            "raw": f"{here}.raw:PLUGIN",
            "http": f"{here}.http:PLUGIN",
            "artifactory": f"{here}.http:ARTIFACTORY",
            "git": f"{here}.git:PLUGIN",
            "s3": f"{here}.s3:PLUGIN [s3]",
            "gcs": f"{here}.elsewhere:GCS",
            "oss": f"{here}.elsewhere:OSS",
            "azure": f"{here}.elsewhere:AZURE",
            "hdfs": f"{here}.elsewhere:HDFS",
            "plugin": f"{here}.elsewhere:PLUGIN",
        },
    )
