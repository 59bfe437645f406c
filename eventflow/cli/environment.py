"""The environment: what is the command line's own in it, and what are settings."""

import os
from collections.abc import Mapping

OWN = ("EVENTFLOW_SERVER", "EVENTFLOW_TOKEN", "EVENTFLOW_CONFORMANCE", "_EVENTFLOW_COMPLETE")


def settings() -> Mapping[str, str]:
    """Return the environment for the settings' reader, which refuses variables that it does not know."""
    return {name: value for name, value in os.environ.items() if name not in OWN}
