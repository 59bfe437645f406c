"""Identity follows from its cause, and only from it."""

import re
import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eventflow.model import identity

TEXTS = st.text(alphabet=st.characters(codec=None), max_size=400)


@given(st.lists(TEXTS, min_size=1, max_size=4), st.lists(TEXTS, min_size=1, max_size=4))
def test_different_parts_make_different_keys(first: list[str], second: list[str]) -> None:
    assert (identity.event_key(*first) == identity.event_key(*second)) == (first == second)
    assert (identity.digest(*first) == identity.digest(*second)) == (first == second)


@given(st.lists(TEXTS, min_size=1, max_size=4))
def test_a_key_is_short_printable_text(parts: list[str]) -> None:
    key = identity.event_key(*parts)
    assert len(key) <= 256
    assert key.isascii()
    assert key.isprintable()


def test_a_key_stays_readable() -> None:
    assert identity.event_key("orders", 3, 42) == "orders/3/42"
    assert identity.event_key("a/b", "ü") == "a%2Fb/%C3%BC"


def test_a_firing_depends_on_the_set_of_events_not_on_their_order() -> None:
    one = identity.firing_id("uid", "t", ["a", "b"])
    assert identity.firing_id("uid", "t", iter(["b", "a"])) == one
    others = [("uid2", "t", ["a", "b"]), ("uid", "t2", ["a", "b"]), ("uid", "t", ["a"]), ("uid", "t", ["ab"])]
    assert len({one, *(identity.firing_id(*other) for other in others)}) == 5
    assert re.fullmatch("[0-9a-f]{32}", one)


def test_these_identities_must_never_change() -> None:
    """They are in users' databases and clusters: another value would run everything a second time."""
    assert identity.firing_id("uid", "t", ["b", "a"]) == "ad11c0d08fbce11a1dfc275f96bd56f6"
    assert identity.uid_for("Workflow", "default", "w") == "c2248d83-f831-8971-b3b2-b87eac9e13ee"
    assert identity.shard_of("uid") == 39


@pytest.mark.parametrize("prefix", ["deploy-", "Deploy App!", "", "---", "x" * 200, "a.b_c", "ü"])
def test_a_workflow_name_is_a_dns_label_that_ends_in_its_firing(prefix: str) -> None:
    firing = identity.firing_id("uid", "t", ["a"])
    name = identity.workflow_name(prefix, firing)
    assert re.fullmatch(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?", name)
    assert name.endswith(firing[:16])
    assert "--" not in name


@given(st.lists(TEXTS, min_size=1, max_size=3))
def test_a_uid_is_a_uuid_of_version_eight(names: list[str]) -> None:
    made = uuid.UUID(identity.uid_for(*names))
    assert (made.version, made.variant) == (8, uuid.RFC_4122)
    assert str(made) == identity.uid_for(*names)


def test_shards_are_used_evenly() -> None:
    used = [identity.shard_of(identity.uid_for(str(n))) for n in range(6400)]
    assert set(used) == set(range(identity.SHARDS))
    assert max(used.count(shard) for shard in range(identity.SHARDS)) < 160
