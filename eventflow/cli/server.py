"""`eventflow dev` and `eventflow serve`."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

import click

_CONFIG = click.option("--config", type=click.Path(path_type=Path, dir_okay=False), help="The settings' YAML file.")


@click.command()
@click.argument("paths", nargs=-1, metavar="[PATH]...")
@click.option("--port", type=click.IntRange(0, 65535), help="Listen here instead of at 2746; 0 takes a free one.")
@click.option("--data", type=click.Path(path_type=Path), default=".eventflow", show_default=True, help="Keep all here.")
@_CONFIG
def dev(paths: Sequence[str], port: int | None, data: Path, config: Path | None) -> int:
    """Serve on this machine: events, sensors, workflows, the API and a page that shows them live.

    The sensors, templates and other objects of the PATHs (`sensors/` if it is there) are loaded first. Everything is
    kept below the data directory, so that a restart goes on where it was.
    """
    from eventflow.cli import serving

    chosen = list(paths) or (["sensors"] if Path("sensors").is_dir() else [])
    return asyncio.run(serving.dev(chosen, port, data, config))


@click.command()
@_CONFIG
def serve(config: Path | None) -> int:
    """Serve as the settings say: a YAML file, then EVENTFLOW_* variables; `eventflow config view` shows them."""
    from eventflow.cli import serving

    return asyncio.run(serving.serve(config))
