"""Options that many commands share."""

from collections.abc import Callable
from typing import Any

import click

Decorator = Callable[[Any], Any]


def namespace(command: Any) -> Any:
    """Add `-n`."""
    option = click.option(
        "-n", "--namespace", envvar="EVENTFLOW_NAMESPACE", default="default", show_default=True, help="The namespace."
    )
    return option(command)


names: Decorator = click.argument("names", nargs=-1, required=True, metavar="NAME...")
name: Decorator = click.argument("name", metavar="NAME")
