"""The ledger: claims and ends that survive crashes, torn lines and full disks."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from eventflow.runtimes.process import ledger as ledgers
from eventflow.runtimes.process.ledger import Ledger, Locked


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "ledger"


@pytest.fixture
def ledger(path: Path) -> Iterator[Ledger]:
    opened = Ledger(str(path))
    yield opened
    opened.close()


def reopened(path: Path) -> Ledger:
    """What the next process would read, without the lock in the way."""
    copy = path.with_name(f"{path.name}-copy")
    copy.write_bytes(path.read_bytes())
    read = Ledger(str(copy))
    read.close()
    return read


def written(path: Path) -> bytes:
    """What the file holds, without the zeros ahead."""
    return path.read_bytes().rstrip(b"\0")


def claim(ledger: Ledger, name: str) -> None:
    ledger.append("claim", name, {"uid": name})
    ledger.commit()


def test_what_was_committed_is_read_again(ledger: Ledger, path: Path) -> None:
    claim(ledger, "a")
    ledger.append("end", "a", {"cause": None})
    ledger.append("result", "a", {"outcome": "Succeeded"})
    ledger.commit()
    entry = reopened(path).entries["a"]
    assert (entry.claim, entry.end, entry.result) == ({"uid": "a"}, {"cause": None}, {"outcome": "Succeeded"})


def test_nothing_is_told_before_it_is_durable(ledger: Ledger, path: Path) -> None:
    told: list[int] = []
    ledger.append("claim", "a", {}, done=lambda: told.append(path.read_bytes().count(b"claim")))
    assert told == []
    assert ledger.waiting
    ledger.commit()
    assert told == [1]
    assert not ledger.waiting


def test_one_commit_serves_all_that_wait(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[int] = []
    monkeypatch.setattr(os, "fdatasync", synced.append)
    for number in range(50):
        ledger.append("claim", str(number), {})
    ledger.commit()
    assert len(synced) == 1


@pytest.mark.parametrize("cut", [1, 10, 25])
def test_a_torn_last_line_never_happened(ledger: Ledger, path: Path, cut: int) -> None:
    claim(ledger, "a")
    claim(ledger, "b")
    path.write_bytes(written(path)[:-cut] + bytes(5000 * (cut % 2)))
    copy = path.with_name("after")
    copy.write_bytes(path.read_bytes())
    after = Ledger(str(copy))
    assert list(after.entries) == ["a"]
    claim(after, "c")
    assert list(reopened(copy).entries) == ["a", "c"]
    after.close()


def test_a_lost_block_costs_only_its_own_pods(ledger: Ledger, path: Path) -> None:
    for name in "abc":
        claim(ledger, name)
    lines = written(path).splitlines(keepends=True)
    path.write_bytes(lines[0] + b"\0" * (len(lines[1]) - 1) + b"\n" + lines[2])
    assert list(reopened(path).entries) == ["a", "c"]


def test_a_full_disk_refuses_claims_and_keeps_ends(ledger: Ledger, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    claim(ledger, "a")
    before = written(path)
    refused: list[str] = []
    told: list[str] = []
    ledger.append("end", "a", {}, done=lambda: told.append("end"))
    ledger.append("claim", "b", {}, done=lambda: told.append("claim"), failed=lambda error: refused.append(str(error)))
    real = os.fdatasync

    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fdatasync", full)
    with pytest.raises(OSError, match="No space"):
        ledger.commit()
    assert written(path) == before
    assert refused
    assert told == []
    monkeypatch.setattr(os, "fdatasync", real)
    ledger.drop("b")
    ledger.commit()
    assert told == ["end"]
    assert reopened(path).entries["a"].end == {}
    assert "b" not in reopened(path).entries


def test_forgetting_is_durable_with_the_next_commit(ledger: Ledger, path: Path) -> None:
    claim(ledger, "a")
    ledger.forget("a")
    assert "a" not in ledger.entries
    assert "a" in reopened(path).entries
    claim(ledger, "b")
    assert list(reopened(path).entries) == ["b"]


def test_it_does_not_grow_for_ever(ledger: Ledger, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ledgers, "_COMPACT_ABOVE", 10_000)
    claim(ledger, "keeps")
    for number in range(400):
        claim(ledger, f"pod-{number}")
        ledger.append("end", f"pod-{number}", {"x": "y" * 50})
        ledger.commit()
        ledger.forget(f"pod-{number}")
    assert len(written(path)) < 20_000
    claim(ledger, "after")
    assert list(reopened(path).entries) == ["keeps", "after"]


def test_a_commit_does_not_make_the_file_grow(ledger: Ledger, path: Path) -> None:
    claim(ledger, "first")
    size = path.stat().st_size
    for number in range(100):
        claim(ledger, f"pod-{number}")
    assert path.stat().st_size == size
    ledger.append("result", "first", {"result": "x" * (2 << 20)})
    ledger.commit()
    claim(ledger, "after")
    assert list(reopened(path).entries) == ["first", *(f"pod-{number}" for number in range(100)), "after"]


def test_one_process_at_a_time(ledger: Ledger, path: Path) -> None:
    with pytest.raises(Locked):
        Ledger(str(path))
