"""`eventflow cron`."""

from collections.abc import Sequence
from datetime import UTC, datetime

import click

from eventflow.clock import SystemClock, parse_rfc3339
from eventflow.errors import UserError


@click.group()
def cron() -> None:
    """Schedules of CronWorkflows."""


@cron.command("next")
@click.argument("schedules", nargs=-1, required=True, metavar="SCHEDULE|FILE...")
@click.option("--timezone", default=None, help="An IANA name; UTC unless set.")
@click.option("--count", type=click.IntRange(1, 1000), default=5, show_default=True, help="How many instants.")
@click.option("--after", default=None, help="Begin after this RFC 3339 instant; now unless set.")
def next_(schedules: Sequence[str], timezone: str | None, count: int, after: str | None) -> int:
    """Tell when schedules fire next: cron texts ('30 9 * * 1-5', '@every 5m'), or files with CronWorkflows."""
    from eventflow.sources import cron as source

    at = _instant(after)
    for name, spec in _specs(schedules, timezone):
        found = source.schedules(spec)
        tick: float | None = at
        if name:
            click.echo(f"{name}:")
        for _ in range(count):
            tick = source.next_tick(found, tick) if tick is not None else None
            if tick is None:
                click.echo("never again")
                break
            click.echo(_shown(tick, spec.get("timezone")))
    return 0


def _instant(text: str | None) -> float:
    if text is None:
        return SystemClock().now()
    try:
        return parse_rfc3339(text)
    except ValueError:
        raise UserError(f"{text!r} is no RFC 3339 instant", hint="2026-11-22T09:30:00Z") from None


def _specs(texts: Sequence[str], timezone: str | None) -> list[tuple[str, dict[str, object]]]:
    from pathlib import Path

    from eventflow.model import manifest_files

    files = [text for text in texts if Path(text).exists()]
    if not files:
        return [("", {"schedules": [text], "timezone": timezone}) for text in texts]
    found = [each for each in manifest_files.load_paths(files) if each.kind == "CronWorkflow"]
    if not found:
        raise UserError(f"there is no CronWorkflow in {', '.join(files)}")
    return [(each.name, {**each.manifest["spec"], **({"timezone": timezone} if timezone else {})}) for each in found]


def _shown(tick: float, zone: object) -> str:
    from zoneinfo import ZoneInfo

    instant = datetime.fromtimestamp(tick, UTC)
    utc = instant.strftime("%Y-%m-%dT%H:%M:%SZ")
    return f"{instant.astimezone(ZoneInfo(str(zone))):%Y-%m-%d %H:%M:%S %Z}  ({utc})" if zone else utc
