"""When failed triggers are tried again."""

import pytest

from eventflow.errors import UserError
from eventflow.triggers.backoff import LONGEST, Backoff


def test_waits_grow_by_the_factor_until_the_steps_are_used_up() -> None:
    backoff = Backoff.parse({"steps": 4, "duration": "2s", "factor": "3", "jitter": 0})
    assert [backoff.wait(attempt, "x") for attempt in (1, 2, 3, 4, 5)] == [2.0, 6.0, 18.0, None, None]


def test_without_a_strategy_there_are_retries_all_the_same() -> None:
    assert Backoff.parse(None).wait(1, "x") is not None
    assert Backoff.parse({"steps": 1}).wait(1, "x") is None


def test_a_bare_number_counts_nanoseconds_as_in_argo_events() -> None:
    assert Backoff.parse({"duration": "1500000000", "jitter": 0}).wait(1, "x") == 1.5


def test_jitter_is_within_its_share_and_the_same_when_asked_again() -> None:
    backoff = Backoff(steps=5, seconds=10.0, factor=1.0, jitter=0.5)
    waits = {backoff.wait(1, name) for name in "abcdefgh"}
    assert len(waits) == 8
    assert all(wait is not None and 10 <= wait <= 15 for wait in waits)
    assert backoff.wait(1, "a") == backoff.wait(1, "a")


def test_waits_are_bounded_however_many_attempts_there_were() -> None:
    assert (Backoff(steps=10**9, jitter=0.0).wait(10**6, "x") or 0) == LONGEST
    assert Backoff(seconds=600.0, jitter=0.0).wait(2, "x") == 600.0


def test_json_gives_the_same_strategy_back() -> None:
    backoff = Backoff.parse({"steps": 7, "duration": "90s", "factor": 1.5, "jitter": "0.2"})
    assert Backoff(**backoff.to_json()) == backoff


@pytest.mark.parametrize("strategy", [{"duration": "soon"}, {"factor": "twice"}, {"jitter": "much"}])
def test_what_cannot_be_read_is_refused(strategy: dict[str, str]) -> None:
    with pytest.raises(UserError, match="retryStrategy"):
        Backoff.parse(strategy)
