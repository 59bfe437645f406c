"""Event sources and buses. Source: Argo Events 6478ece pkg/reconciler/eventsource/validate.go; traps by its users."""

from collections.abc import Iterator

from eventflow.errors import UserError
from eventflow.expressions.calendar import Calendar
from eventflow.lint import durations, expressions, schedules
from eventflow.lint.findings import Place, Report
from eventflow.model.kinds import VERIFY_SCHEMES
from eventflow.model.manifest import Resource

SETTINGS = frozenset({"eventBusName", "template", "service", "replicas", "type"})
HOOK_TYPES = (
    "webhook",
    "github",
    "gitlab",
    "bitbucket",
    "bitbucketserver",
    "slack",
    "stripe",
    "sns",
    "storageGrid",
    "gerrit",
)
SIGNED = {
    "github": "webhookSecret",
    "bitbucketserver": "webhookSecret",
    "slack": "signingSecret",
    "sns": "validateSignature",
}


def events(resource: Resource) -> Iterator[tuple[str, str, Place]]:
    """Give type, event name and place of each entry of an EventSource."""
    spec = Place(resource, ("spec",))
    for kind, entries in spec.mapping().items():
        if kind not in SETTINGS and isinstance(entries, dict):
            for name in entries:
                yield kind, name, spec.at(kind, name)


def check(resource: Resource, report: Report, now: float | None) -> None:
    """Check an EventSource."""
    seen: dict[str, str] = {}
    routes: dict[tuple[str, str, str], str] = {}
    for kind, name, place in events(resource):
        if name in seen:
            message = f'the event "{name}" is there twice, below {seen[name]} and {kind}'
            report.error("event-source", message, place, "give each event its own name")
        seen[name] = kind
        if kind != "minio" and kind != "resource":
            expressions.field(report, place.at("filter", "expression"))
        if kind in HOOK_TYPES:
            _check_hook(kind, name, place, routes, report)
        elif kind == "calendar":
            _check_calendar(place, report, now)
        elif kind == "kafka" and "consumerGroup" not in place.mapping():
            message = "without a consumerGroup, records that come while eventflow is down are lost"
            report.warning("event-lost", message, place, "consumerGroup: {groupName: …}")
    if not seen:
        report.error("event-source", "there is no event in this source", Place(resource, ("spec",)))


def _check_calendar(place: Place, report: Report, now: float | None) -> None:
    value = place.mapping()
    timezone = place.text("timezone")
    try:
        calendar = Calendar.parse(
            place.text("schedule"), place.text("interval"), timezone, value.get("exclusionDates") or ()
        )
    except UserError as error:
        field = "schedule" if place.text("schedule") else "interval"
        report.user_error("schedule", error, place.at(field) if field in value else place)
        return
    if now is not None:
        schedules.tell_next(calendar, now, place, report)
    if not place.mapping("persistence", "catchup").get("enabled"):
        message = "times that come while eventflow is down are not made up for"
        report.info("event-lost", message, place, "persistence: {catchup: {enabled: true}}")


def _check_hook(kind: str, name: str, place: Place, routes: dict[tuple[str, str, str], str], report: Report) -> None:
    context = place if kind == "webhook" else place.at("webhook")
    value = context.mapping()
    if not value:
        if kind != "sns" or "webhook" not in place.mapping():
            report.error("event-source", f'the {kind} source "{name}" has no webhook to listen on', place)
        return
    for field in ("endpoint", "port"):
        if not value.get(field):
            report.error("event-source", f"the webhook needs {field}", context)
    if value.get("endpoint") and not str(value["endpoint"]).startswith("/"):
        report.error("event-source", "an endpoint begins with /", context.at("endpoint"))
    for method in value.get("methods") or [value.get("method") or "POST"]:
        route = (str(value.get("port")), str(value.get("endpoint")), str(method).upper())
        if route in routes:
            message = f'{route[2]} {route[1]} on port {route[0]} belongs to "{routes[route]}" already'
            report.error("event-source", message, context, "give it another endpoint or method")
        routes.setdefault(route, name)
    _check_verification(kind, place, context, report)


def _check_verification(kind: str, place: Place, context: Place, report: Report) -> None:
    verify = context.mapping("verify")
    if verify:
        _check_verify(context.at("verify"), report)
        return
    value = place.mapping()
    if kind == "gitlab" and "secretToken" in value and "accessToken" not in value:
        message = "Argo Events does not check a secretToken without an accessToken"
        report.info("unverified", message, place.at("secretToken"), "here it is checked; say so with verify")
        return
    if "authSecret" in context.mapping() or SIGNED.get(kind, "secretToken") in value:
        return
    report.warning(
        "unverified",
        "anybody who can reach this webhook can send events",
        context,
        f"verify: {{scheme: {kind if kind in VERIFY_SCHEMES else 'hmac, header: X-…'}, secret: {{name: …, key: …}}}}",
    )


_FIELDS = {
    "header": ("hmac", "bearer"),
    "prefix": ("hmac",),
    "algorithm": ("hmac",),
    "encoding": ("hmac",),
    "username": ("basic",),
    "tolerance": ("slack", "stripe", "standard-webhooks"),
}
"""What of `verify` only some schemes read."""


def _check_verify(place: Place, report: Report) -> None:
    value = place.mapping()
    if not value.get("secret") and not value.get("secrets"):
        report.error("unverified", "verify needs secret or secrets", place, "secret: {name: …, key: …}")
    if value["scheme"] == "hmac" and not value.get("header"):
        report.error("unverified", "the scheme hmac needs the header that holds the signature", place, "header: X-…")
    for field, schemes in _FIELDS.items():
        if field in value and value["scheme"] not in schemes:
            message = f"{field} has a meaning for {' and '.join(schemes)} only"
            report.warning("ignored", message, place.at(field))
    durations.check(place.at("tolerance"), report, bare=True)


def check_bus(resource: Resource, report: Report) -> None:
    """Say what becomes of an EventBus."""
    message = "eventflow keeps events in its own store; the settings of an EventBus have no effect"
    report.info("ignored", message, Place(resource, ("spec",)))
