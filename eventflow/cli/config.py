"""`eventflow config`."""

from pathlib import Path

import click

from eventflow.cli import environment, output


@click.group()
def config() -> None:
    """Show the settings."""


@config.command()
@click.option("--config", "file", type=click.Path(path_type=Path, dir_okay=False), help="The settings' YAML file.")
def view(file: Path | None) -> int:
    """Show every setting with its value and where that comes from; secrets stay hidden."""
    from eventflow import settings_reader

    settings = settings_reader.load(file, environment.settings())
    click.echo(output.table(("SETTING", "VALUE", "FROM"), list(settings_reader.view(settings))))
    return 0
