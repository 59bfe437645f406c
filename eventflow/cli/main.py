"""`eventflow`: the entry point. Nothing heavy is imported before it is known which command is asked for."""

import sys
from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Any

import click

# name -> (module below eventflow.cli, function there, what `eventflow --help` says of it)
COMMANDS: Mapping[str, tuple[str, str, str]] = {
    "dev": ("server", "dev", "Serve events, sensors and workflows on this machine, for trying things out."),
    "serve": ("server", "serve", "Serve as the settings say."),
    "run": ("run", "run", "Run workflows from files, with no server, and wait for their end."),
    "submit": ("submit", "submit", "Submit workflows to the server."),
    "list": ("queries", "list_", "List workflows, the newest first."),
    "get": ("queries", "get", "Show a workflow and its nodes, or objects of another kind."),
    "logs": ("queries", "logs", "Print the logs of a workflow's pods."),
    "watch": ("watch", "watch", "Follow a workflow in a live view until it ends."),
    "wait": ("watch", "wait", "Wait for workflows to end; the exit status tells how they did."),
    "stop": ("verbs", "stop", "Stop workflows; exit handlers still run."),
    "terminate": ("verbs", "terminate", "End workflows at once; exit handlers do not run."),
    "suspend": ("verbs", "suspend", "Hold workflows: no new nodes start."),
    "resume": ("verbs", "resume", "Let suspended workflows or nodes go on."),
    "retry": ("verbs", "retry", "Run the failed nodes of ended workflows again, and what follows them."),
    "resubmit": ("verbs", "resubmit", "Run workflows again as new ones."),
    "delete": ("verbs", "delete", "Delete workflows, or objects of another kind."),
    "node": ("verbs", "node", "Act on one node of a workflow."),
    "lint": ("lint", "lint", "Check manifests without running them."),
    "apply": ("apply", "apply", "Store templates, sensors, schedules and other objects in the server."),
    "events": ("events", "events", "List, follow and send events."),
    "explain": ("events", "explain", "Tell what each sensor made of an event, and why."),
    "cron": ("cron", "cron", "Schedules of CronWorkflows."),
    "doctor": ("doctor", "doctor", "Tell what this machine can do for pods, and what would help."),
    "config": ("config", "config", "Show the settings."),
    "completion": ("completion", "completion", "Print the completion script of a shell."),
    "version": ("completion", "version", "Print the version."),
}

_SECTIONS: Mapping[str, Sequence[str]] = {
    "Run": ("run", "dev", "serve", "submit"),
    "Look": ("list", "get", "logs", "watch", "wait"),
    "Act": ("stop", "terminate", "suspend", "resume", "retry", "resubmit", "delete", "node"),
    "Manifests": ("lint", "apply", "cron"),
    "Events": ("events", "explain"),
    "Machine": ("doctor", "config", "completion", "version"),
}


class LazyGroup(click.Group):
    """A group whose commands are imported on use; its help is known without them."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        del ctx
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        del ctx
        if cmd_name not in COMMANDS:
            return None
        module, function, _ = COMMANDS[cmd_name]
        found: click.Command = getattr(import_module(f"eventflow.cli.{module}"), function)
        return found

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            from eventflow.model import spelling

            hint = spelling.did_you_mean(args[0], COMMANDS) or "`eventflow --help` lists the commands"
            raise click.UsageError(f"there is no command {args[0]!r} ({hint})", ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        del ctx
        for title, names in _SECTIONS.items():
            with formatter.section(title):
                formatter.write_dl([(name, COMMANDS[name][2]) for name in names])


@click.group(
    cls=LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 120},
    epilog="The server is found by EVENTFLOW_SERVER (http://127.0.0.1:2746 unless set). "
    "Exit status: 0 Succeeded, 1 Failed, 2 Error or bad input. @latest names the newest workflow.",
)
def eventflow() -> None:
    """Events into workflows: Argo manifests, with no cluster needed."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit with its status."""
    sys.exit(invoke(arguments))


def invoke(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return the exit status. Errors of users are told without a traceback."""
    try:
        status: Any = eventflow.main(arguments, prog_name="eventflow", standalone_mode=False)
    except click.exceptions.Abort:
        click.echo("interrupted", err=True)
        return 130
    except click.ClickException as error:
        error.show()
        return 2
    except BrokenPipeError:
        return _hush()
    except Exception as error:
        from eventflow.cli import failures

        told = failures.text_of(error)
        if told is None:
            raise
        click.echo(told, err=True)
        return 2
    return status if isinstance(status, int) else 0


def _hush() -> int:
    """The reader of our output left (`| head`): say nothing more, not even while the interpreter ends."""
    import os

    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 141
