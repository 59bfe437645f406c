"""Which sources need a task: the entries of EventSources that go and ask, and every CronWorkflow."""

from collections.abc import Mapping
from functools import partial

from eventflow.errors import UserError
from eventflow.model.manifest import Resource
from eventflow.plugins import Registry
from eventflow.sources import cron, endpoints
from eventflow.sources.contract import Entry, Services, SourcePlugin
from eventflow.sources.supervisor import Build


async def wanted(services: Services, plugins: Registry[SourcePlugin]) -> Mapping[tuple[str, str], Build]:
    """Return how to build each source, by (id, digest of its configuration)."""
    found: dict[tuple[str, str], Build] = {}
    for stored in await services.catalog.select("EventSource"):
        for entry in endpoints.entries_of(stored):
            if entry.type in plugins:
                found[entry.id, entry.digest] = partial(plugins.load(entry.type).build, entry, services)
    for stored in await services.catalog.select("CronWorkflow"):
        entry = Entry(stored.namespace, stored.name, "run", "cron", stored.spec_manifest, stored.uid)
        found[entry.id, entry.digest] = partial(cron.CronSource, entry, services)
    return found


def check_cron(resource: Resource) -> None:
    """Raise UserError, with its place, for a CronWorkflow that cannot work."""
    try:
        cron.check(resource.name, resource.manifest["spec"])
    except UserError as error:
        place = resource.locate(("spec", "schedules"))
        raise UserError(error.message, location=place, hint=error.hint) from error
