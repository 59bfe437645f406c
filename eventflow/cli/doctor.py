"""`eventflow doctor`."""

import click


@click.command()
def doctor() -> int:
    """Tell what this machine can do for pods, and what would help. Exit status 1 if something is amiss."""
    from eventflow.runtimes.process import doctor as process
    from eventflow.runtimes.process.settings import ProcessSettings

    checks = process.check(ProcessSettings())
    for each in checks:
        sign = click.style("✔", fg="green") if each.ok else click.style("✖", fg="red")
        click.echo(f"{sign} {each.name}: {each.detail}")
        if each.fix:
            click.echo(f"  {each.fix}")
    return 0 if all(each.ok for each in checks) else 1
