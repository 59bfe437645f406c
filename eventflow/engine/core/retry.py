"""What follows a failed attempt: another one, a wait, or the end.

Source: Argo v4.1.2 workflow/controller/operator.go processNodeRetries, workflow_types.go RetryPolicyActual,
util/errors/errors.go IsTransientErr. One deliberate difference: Argo applies the back-off only when `limit` is set;
here it always applies.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from eventflow.engine.core import durations, evaluation
from eventflow.engine.core.state import Node, Phase
from eventflow.errors import UserError

LONGEST_WAIT = 9_223_372_036.0  # seconds; the largest Go duration

_TRANSIENT = re.compile(
    r"etcdserver: (?:leader changed|request timed out|too many requests)"
    r"|(?:unexpected|stream) error when reading response body|Connection closed by foreign host"
    r"|net/http: TLS handshake timeout|i/o timeout|connection timed out|connection reset by peer"
    r"|http2: client connection lost|http2: server sent GOAWAY and closed the connection"
    r"|request did not complete within requested timeout|connect: connection refused|invalid connection"
)


@dataclass(frozen=True, slots=True)
class Again:
    """Start another attempt; `deadline` (seconds since the epoch) bounds it, None for no bound."""

    deadline: float | None = None


@dataclass(frozen=True, slots=True)
class Wait:
    """Decide again at `until` (seconds since the epoch)."""

    until: float
    message: str


@dataclass(frozen=True, slots=True)
class End:
    """The retry node ends as its last attempt did."""

    phase: Phase
    message: str


class RetryError(UserError):
    """A retry strategy that cannot be followed."""


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What lies outside the attempts: the time, a shutdown under way, the workflow's deadline (None for none)."""

    at: float
    shutdown: str = ""
    deadline: float | None = None


def policy_of(strategy: Mapping[str, Any]) -> str:
    """Return the policy in force: OnFailure by default, Always where an expression stands without a policy."""
    return strategy.get("retryPolicy") or ("Always" if strategy.get("expression") else "OnFailure")


def decide(strategy: Mapping[str, Any], attempts: Sequence[Node], now: Circumstances) -> Again | Wait | End:
    """Return what follows the last of the attempts, all of which have ended. Raises RetryError."""
    if not attempts:
        return Again()
    last = attempts[-1]
    if not last.unsuccessful:
        return End(Phase.SUCCEEDED, "")
    if now.shutdown:
        return End(last.phase, f"Stopped with strategy '{now.shutdown}'")
    if now.deadline is not None and now.at > now.deadline:
        return End(last.phase, f"retry exceeded workflow deadline {durations.moment(now.deadline)}")
    limit = _integer(strategy.get("limit"))
    paced = _pace(strategy.get("backoff"), attempts, limit, now.at)
    if not isinstance(paced, Again):
        return paced
    if not _policy_allows(strategy, last):
        return End(last.phase, last.message)
    if limit is not None and len(attempts) > limit:
        return End(last.phase, "No more retries left")
    if strategy.get("expression") and not _expression_allows(strategy["expression"], attempts):
        return End(last.phase, "retryStrategy.expression evaluated to false")
    return paced


def last_retry(attempts: Sequence[Node], exit_code_unknown: str) -> dict[str, str]:
    """Return the `lastRetry.*` variables after the given attempts, all texts."""
    if not attempts:
        return {
            "lastRetry.exitCode": exit_code_unknown,
            "lastRetry.status": "",
            "lastRetry.duration": "0",
            "lastRetry.message": "",
        }
    last = attempts[-1]
    return {
        "lastRetry.exitCode": str((last.outputs or {}).get("exitCode", exit_code_unknown)),
        "lastRetry.status": str(last.phase),
        "lastRetry.duration": durations.plain(last.finished_at - last.started_at),
        "lastRetry.message": last.message,
    }


def _pace(
    backoff: Mapping[str, Any] | None, attempts: Sequence[Node], limit: int | None, at: float
) -> Again | Wait | End:
    """Return Again with the attempt's deadline, or how long to wait, or that the time is used up."""
    if backoff is None:
        return Again()
    last = attempts[-1]
    until_latest = None
    if backoff.get("maxDuration"):
        until_latest = attempts[0].started_at + _seconds(backoff["maxDuration"])
        if at > until_latest:
            return End(last.phase, "Max duration limit exceeded")
    if not backoff.get("duration"):
        raise RetryError("no base duration specified for retryStrategy", hint="set backoff.duration, for example 10s")
    wait = wait_after(backoff, len(attempts))
    until = last.finished_at + wait
    if until_latest is not None and until > until_latest:
        return End(last.phase, "Backoff would exceed max duration limit")
    if at < until and (limit is None or len(attempts) <= limit):
        return Wait(until, f"Backoff for {durations.words(wait)}")
    return Again(until_latest)


def wait_after(backoff: Mapping[str, Any], attempts: int) -> float:
    """Return the seconds between the end of attempt number n (from 1) and the next: duration * factor^(n-1)."""
    wait = _seconds(backoff["duration"])
    factor = _integer(backoff.get("factor"))
    if factor is not None and factor > 0:
        wait = min(wait * float(factor) ** min(attempts - 1, 400), LONGEST_WAIT)
    if backoff.get("cap"):
        wait = min(wait, _seconds(backoff["cap"]))
    return wait


def _policy_allows(strategy: Mapping[str, Any], last: Node) -> bool:
    policy = policy_of(strategy)
    if policy == "Always":
        return True
    if policy == "OnError":
        return last.phase is Phase.ERROR
    if policy == "OnFailure":
        return last.phase is Phase.FAILED
    if policy == "OnTransientError":
        return bool(_TRANSIENT.search(last.message))
    raise RetryError(f"{policy} is not a valid RetryPolicy", hint="use Always, OnFailure, OnError or OnTransientError")


def _expression_allows(source: str, attempts: Sequence[Node]) -> bool:
    variables = {"retries": str(len(attempts) - 1)} | last_retry(attempts, "-1")
    result = evaluation.evaluate(source, variables)
    if not isinstance(result, bool):
        raise RetryError(f"unable to cast expression result {result!r} to bool", hint="compare with == or !=")
    return result


def _integer(value: Any) -> int | None:
    if value is None:
        return None
    try:
        return int(str(value))
    except ValueError:
        raise RetryError(f"value {str(value)!r} cannot be resolved to an int") from None


def _seconds(value: Any) -> float:
    try:
        return durations.seconds(value)
    except ValueError as error:
        raise RetryError(str(error)) from None
