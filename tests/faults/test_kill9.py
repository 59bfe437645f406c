"""Killed at any moment and at every failpoint, the server loses no event, acts on none twice, and ends what it began.

The seeds are those of the environment (EVENTFLOW_SEED), or the fixed ones below.
"""

import os

import pytest

from tests.faults.campaign import campaign, failpoints

_SEEDS = [int(os.environ.get("EVENTFLOW_SEED", "0")) + n for n in range(4)]


def _run(seed: int, *, rounds: int, kills: int) -> None:
    with campaign(seed) as opened:
        opened.begin()
        opened.kill_at_random(kills // 2)
        opened.kill_at_points(rounds)
        opened.kill_at_random(kills - kills // 2)
        opened.rest()
        broken = opened.judge()
        print(opened.summary())
        assert not broken, f"seed {seed}: {len(broken)} promises broken\n" + "\n".join(broken[:20])
        assert set(opened.hits) == (set(failpoints()) if rounds else {"store.before-migration"})


def test_it_survives_twenty_kills() -> None:
    _run(_SEEDS[0], rounds=0, kills=20)


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("seed", _SEEDS)
def test_it_survives_every_failpoint_and_random_kills(seed: int) -> None:
    _run(seed, rounds=3, kills=110)
