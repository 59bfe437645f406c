"""The server, opened from the command line."""

import asyncio
import dataclasses
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from eventflow import app as composition
from eventflow import settings_reader
from eventflow.api import server
from eventflow.api.events import described
from eventflow.api.listener import Address
from eventflow.app import App
from eventflow.catalog import KINDS
from eventflow.cli import environment
from eventflow.model import manifest_files
from eventflow.settings import Settings
from eventflow.telemetry import logs
from eventflow.telemetry.redaction import Redactor


async def serve(config: Path | None) -> int:
    """Serve until a signal comes or a part fails; return the exit status (75: start me again)."""
    settings = settings_reader.load(config, environment.settings())
    _log(settings)
    return await composition.run(settings, server.build)


async def dev(paths: Sequence[str], port: int | None, data: Path, config: Path | None) -> int:
    """Serve on loopback with objects from files; return the exit status."""
    settings = settings_reader.load(config, environment.settings())
    listen = settings.server if port is None else dataclasses.replace(settings.server, port=port)
    settings = settings.replace(server=listen, data_dir=data)
    resources = manifest_files.load_paths(paths)
    _log(settings, people=True)
    asked = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, asked.set)
    async with composition.serve(settings, server.build) as (app, address):
        kept = [each for each in resources if each.kind in KINDS]
        await app.catalog.apply(kept, namespace=settings.namespace)
        _announce(app, address, [f"{each.kind} {each.name}" for each in kept], data)
        ends = [asyncio.create_task(asked.wait()), asyncio.create_task(app.ground.guard.wait())]
        done, left = await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        for task in left:
            task.cancel()
        print("stopping; workflows that run go on with the next start", file=sys.stderr)
        return 0 if ends[0] in done else os.EX_TEMPFAIL


def _announce(app: App, address: Address, kept: Sequence[str], data: Path) -> None:
    print(f"eventflow is ready at {address.url}")
    print(f"  data in {data}, {len(kept)} objects loaded{': ' if kept else ''}{', '.join(kept)}")
    endpoints = described(app)
    for each in endpoints:
        print(f"  {each.method:<5} {address.url}{each.path}  {each.type} {each.name}")
    if not endpoints:
        print("  no endpoints yet: `eventflow apply -f FILE` adds event sources and sensors")
    if app.settings.server.port != 2746:
        print(f"  export EVENTFLOW_SERVER={address.url}")
    sys.stdout.flush()


def _log(settings: Settings, *, people: bool = False) -> None:
    """Log to standard error; `people`: unless a format is set, as on a terminal wherever that goes."""
    form = settings.telemetry.log_format
    logs.configure("console" if people and form == "auto" else form, settings.telemetry.log_level, Redactor())
