"""A server in a temporary directory, and a client that signs what it sends."""

import asyncio
import hashlib
import hmac
import io
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import aiohttp
import orjson

from eventflow.app import App, serve
from eventflow.settings import Limits, Outbound, Server, Settings, Store
from eventflow.store import deliveries, events, firings, outbox, workflows
from eventflow.store.deliveries import Decision
from eventflow.store.firings import Firing
from eventflow.store.workflows import Header

T = TypeVar("T")
TOKEN = "s3cret"

SOURCES = """
apiVersion: v1
kind: Secret
metadata: {name: hook}
stringData: {token: s3cret, signing: whsec_c2VjcmV0LXNpZ25pbmcta2V5LTAxMjM0NTY3}
---
apiVersion: argoproj.io/v1alpha1
kind: EventSource
metadata: {name: hooks}
spec:
  webhook:
    open: {endpoint: /open, method: POST}
    tag: {endpoint: /tag, method: POST}
    signed:
      endpoint: /signed
      method: POST
      verify: {scheme: github, secret: {name: hook, key: token}}
    standard:
      endpoint: /standard
      method: POST
      verify: {scheme: standard-webhooks, secret: {name: hook, key: signing}}
    small: {endpoint: /small, method: POST, maxPayloadSize: 1000}
  github:
    repo:
      webhook: {endpoint: /github, method: POST}
      webhookSecret: {name: hook, key: token}
"""


def sensor(name: str, *, event: str = "open", extra: str = "", trigger: str = "") -> str:
    """Return a sensor on an event of `hooks`; `trigger` replaces its one trigger, a workflow that waits."""
    body = trigger or WAITING
    return f"""
apiVersion: argoproj.io/v1alpha1
kind: Sensor
metadata: {{name: {name}}}
spec:
  dependencies:
    - name: one
      eventSourceName: hooks
      eventName: {event}
{extra}
  triggers:
{body}
"""


MAIN = {"ref": "refs/heads/main"}

FROM_TEMPLATE = """
    - retryStrategy: {steps: STEPS, duration: 20ms, factor: 1}
      template:
        name: run
        argoWorkflow:
          operation: submit-from
          source:
            resource:
              apiVersion: argoproj.io/v1alpha1
              kind: WorkflowTemplate
              metadata: {name: late}
"""

TEMPLATE = """
apiVersion: argoproj.io/v1alpha1
kind: WorkflowTemplate
metadata: {name: late}
spec: {entrypoint: wait, templates: [{name: wait, suspend: {}}]}
"""

WAITING = """
    - template:
        name: run
        argoWorkflow:
          operation: submit
          arguments: {ref: {cel: body.ref}}
          source:
            resource:
              apiVersion: argoproj.io/v1alpha1
              kind: Workflow
              metadata: {generateName: run-}
              spec:
                entrypoint: wait
                arguments: {parameters: [{name: ref}]}
                templates: [{name: wait, suspend: {}}]
"""


@dataclass(frozen=True)
class Client:
    """A running server and an HTTP session."""

    app: App
    url: str
    session: aiohttp.ClientSession

    async def post(
        self, path: str, body: Any, headers: Mapping[str, str] | None = None
    ) -> tuple[int, str, Mapping[str, str]]:
        """Send a body (JSON unless it is bytes or a file); return status, text and headers of the answer."""
        data = body if isinstance(body, bytes | io.BytesIO) else orjson.dumps(body)
        sent = {"Content-Type": "application/json", **(headers or {})}
        async with self.session.post(self.url + path, data=data, headers=sent) as response:
            return response.status, await response.text(), response.headers

    async def status(self, path: str, body: Any, headers: Mapping[str, str] | None = None) -> int:
        """Send a body; return the status alone."""
        return (await self.post(path, body, headers))[0]

    async def events(self) -> list[Any]:
        """Return all stored events, the oldest first."""
        page = await self.app.store.read(lambda: events.page(events.EventFilter(), newest_first=False, limit=1000))
        return list(page.events)

    async def decisions(self, seq: int) -> dict[str, Decision]:
        """Return what became of an event, by sensor."""
        found = await self.app.store.read(lambda: deliveries.of_event(seq))
        return {each.sensor: each for each in found}

    async def firings(self) -> list[Firing]:
        """Return all firings, the oldest first."""
        return list(reversed(await self.app.store.read(lambda: firings.page(limit=1000))))

    async def workflows(self) -> list[Header]:
        """Return all workflows, the oldest first."""
        return list(reversed(await self.app.store.read(lambda: workflows.page(workflows.WorkflowFilter(), limit=1000))))

    async def dead(self) -> list[outbox.Entry]:
        """Return the dead entries of the outbox."""
        return await self.app.store.read(outbox.dead)

    async def settled(self) -> None:
        """Wait until no delivery is due and the outbox has nothing to do now."""
        await until(self._idle)

    async def _idle(self) -> bool:
        count, _ = await self.app.store.read(deliveries.backlog)
        due = await self.app.store.read(outbox.next_due)
        return count == 0 and (due is None or due > self.app.clock.now() + 0.05)


async def until(check: Callable[[], Awaitable[T]], seconds: float = 10.0) -> T:
    """Wait for a check to give something true, and return that."""
    async with asyncio.timeout(seconds):
        while True:
            found = await check()
            if found:
                return found
            await asyncio.sleep(0.01)


async def two(client: Client) -> bool:
    """Whether there are two workflows."""
    return len(await client.workflows()) == 2


def signed(body: Any, delivery: str = "d-1", token: str = TOKEN) -> dict[str, str]:
    """Return GitHub's headers for a JSON body."""
    digest = hmac.new(token.encode(), orjson.dumps(body), hashlib.sha256).hexdigest()
    return {"X-Hub-Signature-256": f"sha256={digest}", "X-GitHub-Delivery": delivery, "X-GitHub-Event": "push"}


@asynccontextmanager
async def running(
    directory: Path, *objects: str, limits: Limits | None = None, store: str = "", **server: Any
) -> AsyncIterator[Client]:
    """Serve from a directory, or from the store at a URL, with some objects applied, and give a client."""
    settings = Settings(
        data_dir=directory,
        server=Server(port=0, **server),
        store=Store(store),
        limits=limits or Limits(),
        outbound=Outbound(allow=("127.0.0.1",)),
    )
    async with serve(settings) as (app, address), aiohttp.ClientSession() as session:
        if objects:
            await app.catalog.apply_text("\n---\n".join(objects), "objects.yaml")
        yield Client(app, address.url, session)
