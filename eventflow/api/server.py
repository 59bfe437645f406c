"""The web application: Argo Server's routes, eventflow's own, the page, and the endpoints of event sources.

`build(app)` is what `eventflow.app.serve` is given. The endpoints of sources come last: they may be any path.
"""

from importlib import metadata, resources

from aiohttp import web

from eventflow.api import access, answers
from eventflow.api.events import EventLogRoutes
from eventflow.api.feed import Feed
from eventflow.api.logs import Logs
from eventflow.api.parts import Parts
from eventflow.api.streams import Streams
from eventflow.api.templates import Templates
from eventflow.api.verbs import Verbs
from eventflow.api.workflows import Workflows
from eventflow.telemetry import exposition

ARGO_VERSION = "v4.1.2"
"""The Argo Workflows release whose API this is; clients compare it with their own."""

_PAGE_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-cache",
}
_FILES = {"/": ("page.html", "text/html"), "/-/page.js": ("page.js", "text/javascript")}
_FILES |= {"/-/page.css": ("page.css", "text/css")}


def build(app: Parts) -> web.Application:
    """Return the web application of a server. Raises UserError for settings that would leave it open to others."""
    guard = access.middleware(app.settings.server)
    application = web.Application(
        middlewares=[guard, answers.explained], client_max_size=app.settings.limits.manifest_size
    )
    feed = Feed(int(app.clock.now() * 1000))
    app.engine.on_change.append(feed.changed)
    app.log.observers.append(feed.received)
    streams = Streams(app, feed)
    application.on_shutdown.append(streams.close)
    for part in (Workflows(app), Verbs(app), Logs(app, feed), Templates(app), EventLogRoutes(app), streams, _Info(app)):
        part.add_to(application.router)
    for path, (name, kind) in _FILES.items():
        application.router.add_get(path, _file(name, kind))
    app.ingress.add_to(application)
    application.router.add_route("*", "/api/v1/{tail:.*}", _unknown)
    return application


class _Info:
    """The server about itself."""

    def __init__(self, app: Parts) -> None:
        self._app = app

    def add_to(self, router: web.UrlDispatcher) -> None:
        """Add the routes."""
        router.add_get("/api/v1/info", self.info)
        router.add_get("/api/v1/version", self.version)
        router.add_get("/api/v1/userinfo", self.user)
        router.add_get("/healthz", self.healthy)
        router.add_get("/readyz", self.ready)
        router.add_get("/metrics", self.metrics)

    async def info(self, request: web.Request) -> web.Response:
        """Return what Argo's UI asks for at its start."""
        del request
        return answers.json({"managedNamespace": "", "links": [], "columns": [], "modals": {}, "navColor": ""})

    async def version(self, request: web.Request) -> web.Response:
        """Return the version: Argo's for clients that compare, ours beside it."""
        del request
        own = metadata_version()
        named = {"version": ARGO_VERSION, "gitTag": ARGO_VERSION, "gitTreeState": "clean", "eventflow": own}
        return answers.json(
            {**named, "buildDate": "", "gitCommit": "", "compiler": "", "platform": "", "goVersion": ""}
        )

    async def user(self, request: web.Request) -> web.Response:
        """Return who asks."""
        del request
        return answers.json({"subject": "eventflow", "issuer": "eventflow", "groups": []})

    async def healthy(self, request: web.Request) -> web.Response:
        """Tell that the process answers."""
        del request
        return web.Response(text="ok\n")

    async def ready(self, request: web.Request) -> web.Response:
        """Tell whether requests are to be sent here."""
        del request
        ready = self._app.ready
        return web.Response(text="ok\n" if ready else "a part of the server has failed\n", status=200 if ready else 503)

    async def metrics(self, request: web.Request) -> web.Response:
        """Return all metrics in Prometheus' text format."""
        del request
        if not self._app.settings.telemetry.metrics:
            return web.Response(status=404, text="telemetry.metrics is off\n")
        body = exposition.expose(self._app.metrics.registry)
        return web.Response(body=body, headers={"Content-Type": exposition.CONTENT_TYPE})


def metadata_version() -> str:
    """Return eventflow's own version."""
    try:
        return metadata.version("eventflow")
    except metadata.PackageNotFoundError:
        return "unreleased"


async def _unknown(request: web.Request) -> web.StreamResponse:
    return answers.error(404, answers.NOT_FOUND, f"there is no {request.method} {request.path}")


def _file(name: str, kind: str) -> answers.Handler:
    text = resources.files("eventflow.api").joinpath(name).read_text("utf-8")

    async def serve(request: web.Request) -> web.StreamResponse:
        del request
        return web.Response(text=text, content_type=kind, headers=_PAGE_HEADERS)

    return serve
