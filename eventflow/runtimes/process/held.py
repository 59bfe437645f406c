"""A pod as the server holds it while the supervisor runs it: how far it is, and who waits for what."""

import asyncio
from typing import Any

from eventflow.errors import TemporaryError
from eventflow.model.pod import PodFinished, PodLost

_CUT = "the pod supervisor is being restarted"


class Held:
    """One pod. `claim` is None until the supervisor claimed it, with what was `offered`; `final` reports its end."""

    __slots__ = (
        "claim",
        "collecting",
        "daemon_ready",
        "ensuring",
        "final",
        "kept",
        "log_uid",
        "offered",
        "slot",
        "staging",
        "started_at",
        "started_told",
        "stop_asked",
        "verdict",
    )  # fmt: skip

    def __init__(self) -> None:
        self.claim: dict[str, Any] | None = None
        self.offered: dict[str, Any] = {}
        self.started_at: float | None = None
        self.started_told = False
        self.final: PodFinished | PodLost | None = None
        self.log_uid: str | None = None
        self.slot = False
        self.stop_asked = False
        self.ensuring: asyncio.Future[None] | None = None
        self.verdict: asyncio.Future[None] | None = None
        self.kept: asyncio.Future[None] | None = None
        self.staging: asyncio.Task[Any] | None = None
        self.collecting: asyncio.Task[None] | None = None
        self.daemon_ready: asyncio.Task[None] | None = None

    @property
    def plan(self) -> dict[str, Any]:
        """What its claim says of collecting its outputs."""
        return (self.claim or {}).get("collect") or {}

    @property
    def uid(self) -> str:
        return str((self.claim or {}).get("uid") or "")

    def claimed(self, claim: dict[str, Any]) -> None:
        """Note that the supervisor has it; whoever waits for that goes on."""
        self.claim = claim
        if self.verdict is not None and not self.verdict.done():
            self.verdict.set_result(None)

    def refused(self, reason: str) -> None:
        """Note that the supervisor cannot take it now."""
        if self.verdict is not None and not self.verdict.done():
            self.verdict.set_exception(TemporaryError(reason))

    def cut(self) -> None:
        """Note that the supervisor is gone; whoever waits for an answer of it is told."""
        self.refused(_CUT)
        if self.kept is not None and not self.kept.done():
            self.kept.set_exception(TemporaryError(_CUT))

    def tasks(self) -> list[asyncio.Task[Any]]:
        """What goes on for it in the server."""
        return [task for task in (self.staging, self.collecting, self.daemon_ready) if task is not None]
