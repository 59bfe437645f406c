"""`eventflow completion` and `eventflow version`."""

import click


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> int:
    """Print the completion script of a shell: `eventflow completion bash >> ~/.bashrc`."""
    from click.shell_completion import get_completion_class

    from eventflow.cli.main import eventflow

    found = get_completion_class(shell)
    if found is None:
        raise click.UsageError(f"there is no completion for {shell}")
    click.echo(found(eventflow, {}, "eventflow", "_EVENTFLOW_COMPLETE").source())
    return 0


@click.command()
@click.option("--server", is_flag=True, help="Also the server's.")
def version(server: bool) -> int:
    """Print the version."""
    from importlib import metadata

    try:
        own = metadata.version("eventflow")
    except metadata.PackageNotFoundError:
        own = "unreleased"
    click.echo(f"eventflow {own}")
    if server:
        from eventflow.cli.client import Client

        found = Client().get("/api/v1/version")
        click.echo(f"server {found['eventflow']}, with the API of Argo Workflows {found['version']}")
    return 0
