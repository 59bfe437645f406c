"""The aggregates an event passes: the log, deliveries, firings, joins, the outbox, cursors."""

import asyncio
import itertools
from dataclasses import replace
from functools import partial

import pytest

from eventflow.errors import UserError
from eventflow.model.event import Event
from eventflow.store import deliveries, events, firings, joins, outbox, sources
from eventflow.store.contract import LostClaim, Store, Work
from eventflow.store.deliveries import Delivery
from eventflow.store.events import EventFilter, Receipt
from tests.contracts.store_backends import event


async def append(store: Store, *keys: object, sensors: tuple[str, ...] = ("s",), at: float = 1000.0) -> list[Receipt]:
    return [await store.write(partial(events.append, event(key, at=at), sensors)) for key in keys]


async def claim(store: Store, limit: int = 10, now: float = 2000.0, sensors: list[str] | None = None) -> list[Delivery]:
    return await store.write(lambda: deliveries.claim("me", limit, now, 30.0, sensors))


async def test_an_event_comes_back_as_it_went_in(store: Store) -> None:
    full = Event(
        id="ü", source="/s", type="t", source_name="src", event_name="e", key="k/1", data_bytes=b"\x00\xff",
        subject="a b", time="2026-01-01T00:00:00.5Z", datacontenttype="image/png", dataschema="urn:x",
        extensions={"traceparent": "00-1", "n": 3, "flag": True}, received_at=1234.5678, namespace="prod",
    )  # fmt: skip
    receipt = await store.write(lambda: events.append(full, []))
    found = await store.read(lambda: events.find(receipt.seq))
    assert found is not None
    assert (found.seq, found.digest) == (receipt.seq, full.digest)
    assert replace(found, seq=0) == full
    assert await store.read(lambda: events.find(receipt.seq + 1)) is None


async def test_a_repeated_key_changes_nothing_and_another_body_is_recorded(store: Store) -> None:
    (first,) = await append(store, "a")
    again = await store.write(lambda: events.append(event("a"), ["other sensor"]))
    forged = await store.write(lambda: events.append(event("a", body=b"[]", at=1001.0), ["other sensor"]))
    assert again == Receipt(first.seq, duplicate=True)
    assert forged == Receipt(first.seq, duplicate=True, conflict=True)
    assert await store.read(lambda: events.conflicts(first.seq)) == [("id-a", 1001.0)]
    assert await store.read(deliveries.counts) == {("s", "pending"): 1}
    stored = await store.read(lambda: events.find(first.seq))
    assert stored is not None
    assert stored.data_bytes == b"{}"


async def test_the_same_key_from_elsewhere_is_another_event(store: Store) -> None:
    await append(store, "a")
    for elsewhere in (
        event("a", namespace="other"),
        event("a", source_name="other"),
        event("a", event_name="other"),
    ):
        receipt = await store.write(partial(events.append, elsewhere, []))
        assert receipt.duplicate is False


async def test_of_many_redeliveries_at_once_one_is_stored(store: Store) -> None:
    receipts = await asyncio.gather(*(store.write(lambda: events.append(event("a"), ["s", "t"])) for _ in range(30)))
    assert sum(not receipt.duplicate for receipt in receipts) == 1
    assert len({receipt.seq for receipt in receipts}) == 1
    assert await store.read(deliveries.counts) == {("s", "pending"): 1, ("t", "pending"): 1}


@pytest.mark.parametrize("newest_first", [True, False])
@pytest.mark.parametrize(
    "filter",
    [
        EventFilter(),
        EventFilter(type="push"),
        EventFilter(source_name="b", since=1002.0),
        EventFilter(until=1003.0, namespace="default"),
        EventFilter(id="id-7"),
        EventFilter(event_name="nothing"),
    ],
    ids=str,
)
async def test_pages_hold_every_matching_event_once_and_in_order(
    store: Store, filter: EventFilter, newest_first: bool
) -> None:
    stored = [
        event(n, at=1000.0 + n // 5, type=("push", "pull")[n % 2], source_name=("a", "b", "c")[n % 3])
        for n in range(30)
    ]
    for one in stored:
        await store.write(partial(events.append, one, []))
    expected = [one.key for one in stored if matches(filter, one)]
    found: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        page = await store.read(partial(events.page, filter, newest_first=newest_first, limit=4, cursor=cursor))
        found += [one.key for one in page.events]
        cursor = page.cursor
    assert found == (expected[::-1] if newest_first else expected)


def matches(filter: EventFilter, one: Event) -> bool:
    wanted = {name: getattr(filter, name) for name in ("namespace", "source_name", "event_name", "type", "id")}
    same = all(value is None or getattr(one, name) == value for name, value in wanted.items())
    return same and (filter.since or 0) <= one.received_at < (filter.until or 1e12)


async def test_a_cursor_that_is_none_is_the_users_error(store: Store) -> None:
    with pytest.raises(UserError, match="page cursor"):
        await store.read(lambda: events.page(EventFilter(), cursor="x:y"))


async def test_the_tail_continues_where_it_ended(store: Store) -> None:
    await append(store, "a", "b", "c")
    async with asyncio.timeout(10):  # transactions of other databases of the server hold the tail back too
        while len(await store.read(lambda: events.after(0))) < 3:
            await asyncio.sleep(0.01)
    head = await store.read(lambda: events.after(0, limit=2))
    tail = await store.read(lambda: events.after(head[-1].seq))
    assert [one.key for one in head + tail] == ["a", "b", "c"]


async def test_collection_spares_what_is_young_or_undecided(store: Store) -> None:
    await append(store, "done", "held", "pending", "nobody's", at=1000.0)
    await append(store, "young", at=5000.0)
    by_key = {one.event.key: one for one in await claim(store, limit=2)}
    await store.write(lambda: deliveries.settle(by_key["done"], "filtered", "no", None, 2001.0))
    await store.write(lambda: deliveries.settle(by_key["held"], "held", "waits", None, 2001.0))
    assert await store.write(lambda: events.collect(4000.0), bulk=True) == 1
    left = await store.read(lambda: events.page(EventFilter(), newest_first=False))
    assert [one.key for one in left.events] == ["held", "pending", "nobody's", "young"]
    assert (await store.write(lambda: events.append(event("done"), []))).duplicate is False
    assert await store.read(lambda: deliveries.of_event(by_key["done"].event.seq)) == []


async def test_claimants_at_once_never_share_a_delivery(store: Store) -> None:
    await append(store, *range(40), sensors=("s", "t"))
    claims = await asyncio.gather(*(claim(store, limit=7) for _ in range(16)))
    taken = [(one.event.seq, one.sensor) for one in itertools.chain(*claims)]
    assert len(taken) == len(set(taken)) == 80


async def test_the_longest_due_is_claimed_first_and_only_for_the_sensors_asked(store: Store) -> None:
    for n in (3, 1, 2):
        await append(store, n, sensors=("s", "t"), at=1000.0 + n)
    assert await claim(store, now=1000.5) == []
    (first,) = await claim(store, limit=1, sensors=["t"])
    assert (first.event.key, first.sensor, first.tries) == ("1", "t", 1)
    rest = await claim(store, sensors=["t", "unknown"])
    assert {one.event.key for one in rest} == {"2", "3"}
    assert await store.read(deliveries.backlog) == (6, 1001.0)


async def test_a_lease_that_ran_out_is_claimed_again_and_its_old_holder_fenced(store: Store) -> None:
    await append(store, "a")
    (old,) = await claim(store, now=2000.0)
    assert await claim(store, now=2029.0) == []
    (new,) = await claim(store, now=2030.0)
    assert new.tries == 2

    def late() -> Work[None]:
        yield from firings.insert("f", "s", "t", ["k"], 2031.0)
        yield from deliveries.settle(old, "matched", "late", None, 2031.0)

    with pytest.raises(LostClaim):
        await store.write(late)
    assert await store.read(lambda: firings.find("f")) is None
    await store.write(lambda: deliveries.settle(new, "matched", "ok", {"firing": "f"}, 2032.0))
    (decision,) = await store.read(lambda: deliveries.of_event(new.event.seq))
    assert (decision.outcome, decision.reason, decision.detail) == ("matched", "ok", {"firing": "f"})


async def test_settling_twice_is_a_lost_claim(store: Store) -> None:
    await append(store, "a")
    (one,) = await claim(store)
    await store.write(lambda: deliveries.settle(one, "filtered", "no", None, 2001.0))
    for again in (
        lambda: deliveries.settle(one, "matched", "", None, 2002.0),
        lambda: deliveries.retry(one, 3000.0, "x"),
        lambda: deliveries.bury(one, "x", 2002.0),
    ):
        with pytest.raises(LostClaim):
            await store.write(again)


async def test_retries_end_in_the_dead_letters_and_come_back_when_redriven(store: Store) -> None:
    await append(store, "a", "b")
    one, other = await claim(store)
    await store.write(lambda: deliveries.settle(other, "matched", "ok", None, 2001.0))
    await store.write(lambda: deliveries.retry(one, 2500.0, "boom"))
    assert await claim(store, now=2499.0) == []
    (again,) = await claim(store, now=2500.0)
    await store.write(lambda: deliveries.bury(again, "boom again", 2501.0))
    assert await claim(store, now=9000.0) == []
    (dead,) = await store.read(deliveries.dead)
    assert (dead.event, dead.error, dead.outcome, dead.tries) == (again.event.seq, "boom again", "dead", 2)
    assert await store.read(lambda: deliveries.dead(after=(dead.event, dead.sensor))) == []
    ids = [(dead.event, dead.sensor), (other.event.seq, "s")]
    assert await store.write(lambda: deliveries.redrive(ids, 9000.0)) == 1
    (redriven,) = await claim(store, now=9000.0)
    assert (redriven.event.key, redriven.tries) == ("a", 1)


async def test_counts_add_up_to_events_times_sensors(store: Store) -> None:
    await append(store, *range(12), sensors=("s", "t"))
    outcomes = itertools.cycle(["matched", "filtered", "errored", "held", "expired", "dropped"])
    for one, outcome in zip(await claim(store, limit=18), outcomes, strict=False):
        await store.write(
            partial(deliveries.settle, one, outcome, "r", None, 2001.0)  # type: ignore[arg-type]
        )
    counts = await store.read(deliveries.counts)
    assert sum(counts.values()) == 24
    assert sum(number for (_, outcome), number in counts.items() if outcome == "pending") == 6
    assert sum(number for (_, outcome), number in counts.items() if outcome == "held") == 3


async def test_held_deliveries_are_decided_once(store: Store) -> None:
    await append(store, "a", "b", "c")
    held = await claim(store)
    for one in held[:2]:
        await store.write(partial(deliveries.settle, one, "held", "waits for y", None, 2001.0))
    seqs = [one.event.seq for one in held]
    assert await store.write(lambda: deliveries.resolve(seqs, "s", "matched", "joined", None, 2002.0)) == 2
    assert await store.write(lambda: deliveries.resolve(seqs, "s", "expired", "late", None, 2003.0)) == 0
    assert await store.read(deliveries.counts) == {("s", "matched"): 2, ("s", "pending"): 1}


async def test_replay_addresses_stored_events_anew(store: Store) -> None:
    await append(store, "a", "b")
    one, _ = await claim(store)
    await store.write(lambda: deliveries.settle(one, "filtered", "no", {"x": 1}, 2001.0))
    seqs = [one.event.seq, one.event.seq + 1, 999]
    assert await store.write(lambda: deliveries.replay(seqs, "s", 3000.0)) == 1
    assert await store.write(lambda: deliveries.replay(seqs, "new", 3000.0)) == 2
    decisions = await store.read(lambda: deliveries.of_event(one.event.seq))
    assert [(found.sensor, found.outcome, found.detail) for found in decisions] == [
        ("new", "pending", None),
        ("s", "pending", None),
    ]


async def test_a_firing_is_decided_once_however_many_decide_it(store: Store) -> None:
    made = await asyncio.gather(
        *(store.write(lambda: firings.insert("f", "s", "t", ["k1", "k2"], 1.0)) for _ in range(10))
    )
    assert sum(made) == 1
    await store.write(lambda: firings.insert("g", "s2", "t", ["k3"], 2.0))
    assert await store.write(lambda: firings.complete("f", "created", {"workflow": "w"}, 3.0)) is True
    assert await store.write(lambda: firings.complete("f", "rejected", None, 4.0)) is False
    found = await store.read(lambda: firings.find("f"))
    assert found is not None
    assert (found.keys, found.outcome, found.detail, found.completed_at) == (
        ["k1", "k2"], "created", {"workflow": "w"}, 3.0,
    )  # fmt: skip
    assert [one.id for one in await store.read(firings.page)] == ["g", "f"]
    assert [one.id for one in await store.read(lambda: firings.page("s"))] == ["f"]
    assert await store.read(lambda: firings.find("h")) is None
    (newest,) = await store.read(lambda: firings.page(limit=1))
    assert [one.id for one in await store.read(lambda: firings.page(before=newest.seq))] == ["f"]


async def test_firings_are_collected_once_they_are_old_and_complete(store: Store) -> None:
    for name, completed_at in (("old", 5.0), ("young", 50.0), ("open", None)):
        await store.write(partial(firings.insert, name, "s", "t", [], 1.0))
        if completed_at is not None:
            await store.write(partial(firings.complete, name, "created", None, completed_at))
    assert await store.write(lambda: firings.collect(10.0)) == 1
    assert [one.id for one in await store.read(firings.page)] == ["open", "young"]


async def test_events_of_a_join_that_come_at_once_are_all_gathered(store: Store) -> None:
    def gather(n: int) -> Work[None]:
        state = yield from joins.lock("s", "t", "key")
        yield from joins.put("s", "t", "key", (state or b"") + bytes([n]), 100.0, float(n))

    await asyncio.gather(*(store.write(partial(gather, n)) for n in range(30)))
    (found,) = await store.read(lambda: joins.overdue(100.0))
    assert sorted(found.state) == list(range(30))
    assert await store.read(joins.next_deadline) == 100.0
    assert await store.read(lambda: joins.overdue(99.0)) == []
    await store.write(lambda: joins.clear("s", "t", "key"))
    assert await store.read(lambda: joins.of_sensor("s")) == []
    assert await store.write(lambda: joins.lock("s", "t", "key")) is None
    assert await store.write(lambda: joins.clear_sensor("s")) == 1


async def test_an_outbox_entry_is_done_at_least_once_and_then_no_more(store: Store) -> None:
    entries = [outbox.Entry(f"e{n}", "f", "s", "t", "http", b"{}") for n in range(3)]
    for n, one in enumerate(entries):
        assert await store.write(partial(outbox.put, one, 1.0 + n))
    assert await store.write(lambda: outbox.put(entries[0], 9.0)) is False
    first, second = await store.write(lambda: outbox.claim("me", 2, 10.0, 30.0))
    assert (first.id, second.id, first.payload, first.tries) == ("e0", "e1", b"{}", 1)
    await store.write(lambda: outbox.done(first, 11.0))
    await store.write(lambda: outbox.retry(second, 20.0, "503"))
    second, third = await store.write(lambda: outbox.claim("me", 5, 20.0, 30.0))
    assert (third.id, second.id, second.tries, second.error) == ("e2", "e1", 2, "503")
    await store.write(lambda: outbox.bury(second, "410", 21.0))
    with pytest.raises(LostClaim):
        await store.write(lambda: outbox.done(second, 22.0))
    (dead,) = await store.read(outbox.dead)
    assert (dead.id, dead.error, dead.state) == ("e1", "410", "dead")
    assert await store.write(lambda: outbox.redrive(["e1", "e0"], 30.0)) == 1
    assert await store.read(outbox.next_due) == 30.0
    assert await store.write(lambda: outbox.collect(12.0)) == 1


async def test_a_cursor_moves_with_the_events_before_it_and_only_from_where_it_was(store: Store) -> None:
    def consume(key: str, expected: str | None, position: str) -> Work[bool]:
        yield from events.append(event(key), [])
        moved = yield from sources.advance_cursor("kafka/0", expected, position, 1.0)
        if not moved:
            raise LookupError
        return moved

    assert await store.write(lambda: consume("a", None, "1")) is True
    assert await store.write(lambda: consume("b", "1", "2")) is True
    for zombie in (None, "1"):
        with pytest.raises(LookupError):
            await store.write(partial(consume, "c", zombie, "9"))
    assert await store.read(lambda: sources.get_cursor("kafka/0")) == "2"
    assert len((await store.read(lambda: events.page(EventFilter()))).events) == 2
    await store.write(lambda: sources.set_cursor("kafka/0", "7", 2.0))
    assert await store.read(sources.cursors) == {"kafka/0": ("7", 2.0)}
    await store.write(lambda: sources.forget("kafka/0"))
    assert await store.read(lambda: sources.get_cursor("kafka/0")) is None
