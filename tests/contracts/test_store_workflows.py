"""The aggregates of the engine: workflows, nodes, attempts, journal, leases, locks; and stored objects."""

import asyncio
import itertools
from dataclasses import replace
from functools import partial

import pytest

from eventflow.errors import Conflict, InvariantError, NotFound
from eventflow.model import identity
from eventflow.store import attempts, journal, leases, locks, nodes, objects, progress, workflows
from eventflow.store.attempts import Intent, Observation
from eventflow.store.contract import StaleOwner, Statement, Store, Work
from eventflow.store.leases import Fence
from eventflow.store.nodes import NodeRow
from eventflow.store.progress import Step
from eventflow.store.workflows import Creation, Header, NewWorkflow, WorkflowFilter
from tests.contracts.store_backends import workflow

TABLES = ("workflows", "workflow_sources", "workflow_states", "workflow_labels", "nodes", "attempts", "journal")


async def create(store: Store, new: NewWorkflow) -> Creation:
    return await store.write(lambda: workflows.create(new))


def rows(table: str) -> Work[int]:
    found = yield Statement(f"SELECT COUNT(*) FROM {table}")
    number: int = found[0][0]
    return number


async def test_a_created_workflow_is_found_by_every_name_it_has(store: Store) -> None:
    new = replace(workflow("w", firing="f"), labels={"a": "1", "b": "2"}, priority=3, template="tpl")
    made = await create(store, new)
    assert made.created
    for found in (
        await store.read(lambda: workflows.load(new.uid)),
        await store.read(lambda: workflows.load_named("default", "w")),
        await store.read(lambda: workflows.load_seq(made.header.seq)),
        await store.read(lambda: workflows.of_firing("f")),
        await store.read(lambda: workflows.latest("default")),
    ):
        assert found == made.header
    assert found is not None
    assert (found.labels, found.priority, found.template) == ({"a": "1", "b": "2"}, 3, "tpl")
    assert found.shard == identity.shard_of(new.uid)
    bodies = await store.read(lambda: workflows.bodies(made.header.seq))
    assert bodies == workflows.Bodies(b"manifest", b"definition", b"state")
    assert await store.read(lambda: workflows.load("nobody")) is None


async def test_creating_again_finds_what_is_there(store: Store) -> None:
    first = await create(store, workflow("w", firing="f"))
    same_uid = await create(store, workflow("w", firing="f"))
    same_firing = await create(store, replace(workflow("other", firing="f")))
    same_name = await create(store, replace(workflow("w"), uid="another"))
    assert [again.created for again in (same_uid, same_firing, same_name)] == [False] * 3
    assert {again.header.seq for again in (same_uid, same_firing, same_name)} == {first.header.seq}
    assert await store.read(lambda: rows("workflows")) == 1


async def test_of_many_creations_at_once_one_makes_it(store: Store) -> None:
    made = await asyncio.gather(*(create(store, workflow("w", firing="f")) for _ in range(20)))
    assert sum(one.created for one in made) == 1
    assert len({one.header.seq for one in made}) == 1


async def test_the_name_of_an_archived_workflow_is_free(store: Store) -> None:
    old = await create(store, workflow("w"))
    await store.write(lambda: workflows.update(old.header.seq, {"archived": 1, "finished_at": 5.0}))
    new = await create(store, replace(workflow("w"), uid="new"))
    assert new.created
    found = await store.read(lambda: workflows.load_named("default", "w"))
    assert found is not None
    assert found.uid == "new"


FILTERS = [
    WorkflowFilter(),
    WorkflowFilter(namespace="b"),
    WorkflowFilter(phases=["Running"]),
    WorkflowFilter(phases=["Failed", "Running", "Error"], namespace="a"),
    WorkflowFilter(labels={"team": "x"}),
    WorkflowFilter(labels={"team": "x", "env": "1"}, phases=["Succeeded", "Failed"]),
    WorkflowFilter(name_prefix="w1", created_after=1005.0, created_before=1015.0),
    WorkflowFilter(archived=False, labels={"env": "0"}),
    WorkflowFilter(namespace="nowhere"),
]


@pytest.mark.parametrize("filter", FILTERS, ids=str)
async def test_pages_hold_every_matching_workflow_once_newest_first(store: Store, filter: WorkflowFilter) -> None:
    stored = await sample(store)
    expected = [header.name for header in reversed(stored) if matches(filter, header)]
    found: list[Header] = []
    while True:
        before = found[-1].seq if found else None
        page = await store.read(partial(workflows.page, filter, limit=3, before=before))
        found += page
        if len(page) < 3:
            break
    assert [header.name for header in found] == expected


async def sample(store: Store) -> list[Header]:
    phases = ["Succeeded", "Running", "Failed", "Succeeded"]
    stored = []
    for n in range(24):
        labels = {"team": "xy"[n % 2], "env": str(n % 3)}
        new = replace(workflow(f"w{n}", namespace="ab"[n % 5 == 0], at=1000.0 + n), labels=labels)
        seq = (await create(store, new)).header.seq
        changes = {"phase": phases[n % 4], "archived": int(n % 7 == 0)}
        await store.write(partial(workflows.update, seq, changes))
        header = await store.read(partial(workflows.load_seq, seq))
        assert header is not None
        stored.append(header)
    return stored


def matches(filter: WorkflowFilter, header: Header) -> bool:
    return (
        filter.namespace in (None, header.namespace)
        and (not filter.phases or header.phase in filter.phases)
        and filter.labels.items() <= header.labels.items()
        and header.name.startswith(filter.name_prefix)
        and (filter.created_after or 0) <= header.created_at < (filter.created_before or 1e12)
        and filter.archived in (None, header.archived)
    )


async def test_recovery_finds_the_unfinished_of_its_shards(store: Store) -> None:
    made = [(await create(store, workflow(f"w{n}"))).header for n in range(10)]
    await store.write(lambda: workflows.update(made[4].seq, {"phase": "Failed", "finished_at": 5.0}))
    found = await store.read(workflows.nonterminal)
    assert [header.name for header in found] == [f"w{n}" for n in range(10) if n != 4]
    shards = {made[0].shard, made[4].shard}
    some = await store.read(lambda: workflows.nonterminal(shards))
    assert [header.seq for header in some] == [one.seq for one in made if one.shard in shards and one.name != "w4"]
    ended = await store.read(lambda: workflows.finished(6.0))
    assert [header.name for header in ended] == ["w4"]
    await store.write(lambda: workflows.update(made[4].seq, {"finished_at": None}))
    assert len(await store.read(workflows.nonterminal)) == 10


async def test_labels_are_replaced_whole(store: Store) -> None:
    seq = (await create(store, replace(workflow("w"), labels={"a": "1", "b": "2"}))).header.seq
    await store.write(lambda: workflows.set_labels(seq, {"b": "3"}))
    found = await store.read(lambda: workflows.page(WorkflowFilter(labels={"b": "3"})))
    assert [header.labels for header in found] == [{"b": "3"}]
    assert await store.read(lambda: workflows.page(WorkflowFilter(labels={"a": "1"}))) == []


async def test_an_unknown_column_is_a_defect(store: Store) -> None:
    seq = (await create(store, workflow("w"))).header.seq
    with pytest.raises(InvariantError, match="uid"):
        await store.write(lambda: workflows.update(seq, {"uid": "x"}))


async def test_deleting_a_workflow_leaves_no_row_of_it_and_none_of_others(store: Store) -> None:
    seqs = []
    for name in ("w", "other"):
        seqs.append((await create(store, replace(workflow(name), labels={"a": "1"}))).header.seq)
        await store.write(partial(progress.step, seqs[-1], None, full_step(), 5.0))
    assert await store.write(lambda: workflows.delete("uid-default-w"), bulk=True) is True
    assert await store.write(lambda: workflows.delete("uid-default-w")) is False
    assert [await store.read(partial(rows, table)) for table in TABLES] == [1] * len(TABLES)
    assert len(await store.read(lambda: nodes.of_workflow(seqs[1]))) == 1


def full_step() -> Step:
    return Step(
        header={"phase": "Running", "started_at": 2.0, "node_count": 1, "progress": "0/1", "state": b"s2"},
        nodes=[NodeRow(0, "w", "Running", b"n")],
        intended=[Intent("pod", 0, "digest")],
        journal=b"entry",
    )


async def test_a_step_is_written_whole(store: Store) -> None:
    seq = (await create(store, workflow("w"))).header.seq
    await store.write(lambda: progress.step(seq, None, full_step(), 5.0))
    observed = Step(observed=[Observation("pod", "started", "u1", 6.0)], nodes=[NodeRow(0, "w", "Succeeded", b"n2")])
    await store.write(lambda: progress.step(seq, None, observed, 7.0))
    header = await store.read(lambda: workflows.load_seq(seq))
    assert header is not None
    assert (header.phase, header.started_at, header.node_count, header.progress) == ("Running", 2.0, 1, "0/1")
    bodies = await store.read(lambda: workflows.bodies(seq))
    assert bodies is not None
    assert bodies.state == b"s2"
    assert await store.read(lambda: nodes.of_workflow(seq)) == [NodeRow(0, "w", "Succeeded", b"n2")]
    assert await store.read(lambda: journal.last(seq, 5)) == [(1, 5.0, b"entry")]
    (attempt,) = await store.read(lambda: attempts.unfinished(seq))
    assert (attempt.pod, attempt.state, attempt.pod_uid, attempt.started_at, attempt.intended_at) == (
        "pod", "started", "u1", 6.0, 5.0,
    )  # fmt: skip


async def test_nodes_are_found_in_whole_and_in_part(store: Store) -> None:
    written = [NodeRow(n, f"id-{n}", ("Running", "Succeeded")[n % 2], bytes([n % 256]) * n) for n in range(1300)]
    await store.write(lambda: nodes.upsert(1, written))
    await store.write(lambda: nodes.upsert(2, written[:1]))
    assert await store.read(lambda: nodes.of_workflow(1)) == written
    assert await store.read(lambda: nodes.some(1, [5, 3, 9999])) == [written[3], written[5]]
    assert await store.read(lambda: nodes.part(1, 1295, 3)) == written[1295:1298]
    assert await store.read(lambda: nodes.counts(1)) == {"Running": 650, "Succeeded": 650}
    await store.write(lambda: nodes.delete(1, range(1298)))
    assert await store.read(lambda: nodes.of_workflow(1)) == written[1298:]
    assert await store.read(lambda: nodes.of_workflow(2)) == written[:1]


async def test_an_attempt_only_moves_forward(store: Store) -> None:
    async def observe(*seen: Observation) -> attempts.Attempt:
        await store.write(lambda: attempts.observe(1, seen))
        found = await store.read(lambda: attempts.find(1, "p"))
        assert found is not None
        return found

    for intent in (Intent("p", 0, "d1"), Intent("p", 0, "d2")):
        await store.write(partial(attempts.intend, 1, [intent], 1.0))
    started = await observe(Observation("p", "started", "u1", 2.0))
    assert (started.state, started.spec_digest, started.pod_uid) == ("started", "d1", "u1")
    assert (await observe(Observation("p", "intended"))).state == "started"
    ended = await observe(Observation("p", "finished", "", None, 3.0, b"ok"), Observation("unknown", "lost"))
    assert (ended.state, ended.pod_uid, ended.started_at, ended.result) == ("finished", "u1", 2.0, b"ok")
    for late in ("started", "lost", "finished"):
        assert await observe(Observation("p", late, "u2", 8.0, 9.0, b"no")) == ended
    assert await store.read(lambda: attempts.unfinished(1)) == []
    await store.write(lambda: attempts.intend(1, [Intent("p(1)", 0, "d"), Intent("q", 1, "d")], 4.0))
    assert [one.pod for one in await store.read(lambda: attempts.of_node(1, 0))] == ["p", "p(1)"]
    assert [one.pod for one in await store.read(lambda: attempts.of_workflow(1))] == ["p", "p(1)", "q"]


async def test_the_journal_keeps_order_and_its_end(store: Store) -> None:
    for n in range(5):
        await store.write(partial(journal.append, 1, bytes([n]), float(n)))
    await store.write(lambda: journal.append(2, b"x", 9.0))
    assert await store.read(lambda: journal.last(1, 2)) == [(4, 3.0, b"\x03"), (5, 4.0, b"\x04")]
    await store.write(lambda: journal.trim(1, 2))
    assert [seq for seq, _, _ in await store.read(lambda: journal.last(1, 9))] == [4, 5]


async def test_owners_share_the_shards_without_overlap(store: Store) -> None:
    taken = await asyncio.gather(*(store.write(partial(leases.acquire, f"o{n}", 20, 60.0)) for n in range(4)))
    shards = [fence.shard for fence in itertools.chain(*taken)]
    assert len(shards) == len(set(shards))
    rest = await store.write(lambda: leases.acquire("late", 64, 60.0))
    assert len(shards) + len(rest) == identity.SHARDS
    assert await store.write(lambda: leases.acquire("later", 64, 60.0)) == []


async def test_a_taken_shard_fences_its_old_owner(store: Store) -> None:
    seq = (await create(store, workflow("w"))).header.seq
    (old,) = await store.write(lambda: leases.acquire("old", 1, -1.0))
    await store.write(lambda: progress.step(seq, old, full_step(), 5.0))
    (new,) = await store.write(lambda: leases.acquire("new", 1, 60.0))
    assert new == Fence(old.shard, old.epoch + 1)
    with pytest.raises(StaleOwner):
        await store.write(lambda: progress.step(seq, old, Step(header={"phase": "Failed"}, journal=b"no"), 6.0))
    header = await store.read(lambda: workflows.load_seq(seq))
    assert header is not None
    assert header.phase == "Running"
    assert len(await store.read(lambda: journal.last(seq, 9))) == 1
    assert await store.write(lambda: leases.renew("old", 60.0)) == []


async def test_renewing_keeps_the_epoch_and_releasing_frees(store: Store) -> None:
    held = await store.write(lambda: leases.acquire("me", 2, -1.0))
    assert await store.write(lambda: leases.renew("me", 60.0)) == held
    stored = await store.read(leases.leases)
    assert [lease.owner for lease in stored[:3]] == ["me", "me", None]
    assert await store.write(lambda: leases.release("me", held[0].shard)) == 1
    assert await store.write(lambda: leases.acquire("other", 1, 60.0)) == [Fence(held[0].shard, 2)]
    assert await store.write(lambda: leases.release("me")) == 1


async def test_a_semaphore_never_holds_more_than_its_limit(store: Store) -> None:
    taken = await asyncio.gather(*(store.write(partial(locks.hold, "sem", f"h{n}", 3, float(n))) for n in range(12)))
    assert sum(taken) == 3
    holder = (await store.read(lambda: locks.holders("sem")))[0].holder
    assert await store.write(lambda: locks.hold("sem", holder, 3, 99.0)) is True
    assert len(await store.read(lambda: locks.holders("sem"))) == 3
    assert await store.write(lambda: locks.release(holder)) == ["sem"]
    assert await store.write(lambda: locks.release(holder)) == []
    assert await store.write(lambda: locks.hold("sem", "next", 3, 99.0)) is True


async def test_waiters_stand_in_line_by_priority_then_time(store: Store) -> None:
    for waiter, priority, since in (("a", 0, 2.0), ("b", 5, 3.0), ("c", 0, 1.0), ("b", 0, 0.0)):
        await store.write(partial(locks.wait, "m", waiter, priority, since))
    assert [one.waiter for one in await store.read(lambda: locks.waiters("m"))] == ["b", "c", "a"]
    await store.write(lambda: locks.hold("m", "c", 1, 4.0))
    await store.write(lambda: locks.release("a", "m"))
    assert [one.waiter for one in await store.read(locks.waiters)] == ["b"]
    assert [one.holder for one in await store.read(locks.holders)] == ["c"]


def sensor(**spec: object) -> dict[str, object]:
    return {"kind": "Sensor", "metadata": {"name": "s", "labels": {"team": "x"}}, "spec": spec}


async def test_an_object_is_versioned_by_what_changes(store: Store) -> None:
    async def put(manifest: dict[str, object], expect: int | None = None) -> tuple[objects.Object, str]:
        return await store.write(lambda: objects.put("Sensor", "default", "s", manifest, 1.0, expect))

    made, change = await put(sensor(a=1))
    assert (change, made.generation, made.number) == ("created", 1, 1)
    echoed = {**made.manifest, "status": {"x": 1}}
    same, change = await put(echoed)
    assert change == "configured", "the namespace was written out"
    assert same.generation == 1
    again, change = await put(echoed)
    assert (change, again.revision) == ("unchanged", same.revision)
    changed, change = await put(sensor(a=2), expect=same.revision)
    assert (change, changed.generation, changed.uid) == ("configured", 2, made.uid)
    assert changed.revision > same.revision
    with pytest.raises(Conflict, match="resource version"):
        await put(sensor(a=3), expect=same.revision)
    await store.write(lambda: objects.set_status("Sensor", "default", "s", {"ready": True}, 2.0))
    found = await store.read(lambda: objects.get("Sensor", "default", "s"))
    assert found is not None
    assert found.manifest["status"] == {"ready": True}
    assert found.manifest["metadata"]["generation"] == 2
    history = await store.read(lambda: objects.versions("Sensor", "default", "s"))
    assert [(one.number, one.action, one.manifest["spec"]) for one in history] == [
        (3, "configured", {"a": 2}), (2, "configured", {"a": 1}), (1, "created", {"a": 1}),
    ]  # fmt: skip


async def test_an_object_made_again_is_another_with_the_same_history(store: Store) -> None:
    async def put() -> objects.Object:
        made, _ = await store.write(lambda: objects.put("Secret", "ns", "s", sensor(), 1.0))
        return made

    first = await put()
    assert await store.write(lambda: objects.delete("Secret", "ns", "s", 2.0)) is True
    assert await store.write(lambda: objects.delete("Secret", "ns", "s", 2.0)) is False
    assert await store.read(lambda: objects.get("Secret", "ns", "s")) is None
    with pytest.raises(NotFound):
        await store.write(lambda: objects.set_status("Secret", "ns", "s", {}, 2.0))
    second = await put()
    assert second.uid != first.uid
    history = await store.read(lambda: objects.versions("Secret", "ns", "s"))
    assert [one.action for one in history] == ["created", "deleted", "created"]
    assert await store.read(lambda: objects.revision(["Secret"])) == second.revision
    assert await store.read(lambda: objects.revision(["Sensor", "EventSource"])) == 0


async def test_objects_are_listed_by_kind_namespace_and_labels(store: Store) -> None:
    for namespace, name, team in (("b", "y", "1"), ("a", "z", "2"), ("a", "x", "1")):
        manifest = {"metadata": {"name": name, "labels": {"team": team}}}
        await store.write(partial(objects.put, "ConfigMap", namespace, name, manifest, 1.0))
    await store.write(lambda: objects.put("ClusterWorkflowTemplate", "", "c", {}, 1.0))

    async def names(*arguments: object) -> list[str]:
        return [one.name for one in await store.read(lambda: objects.select(*arguments))]  # type: ignore[arg-type]

    assert await names("ConfigMap") == ["x", "z", "y"]
    assert await names("ConfigMap", "a") == ["x", "z"]
    assert await names("ConfigMap", None, {"team": "1"}) == ["x", "y"]
    assert await names("ClusterWorkflowTemplate", "") == ["c"]


async def test_changes_of_one_object_at_once_are_all_kept(store: Store) -> None:
    await asyncio.gather(
        *(store.write(partial(objects.put, "Sensor", "default", "s", sensor(n=n), 1.0)) for n in range(12))
    )
    history = await store.read(lambda: objects.versions("Sensor", "default", "s"))
    assert [one.number for one in history] == list(range(12, 0, -1))
    assert sorted(one.manifest["spec"]["n"] for one in history) == list(range(12))
    assert [one.action for one in history] == ["configured"] * 11 + ["created"]
