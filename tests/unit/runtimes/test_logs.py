"""Logs: written by the supervisor, read by the server."""

from pathlib import Path

import pytest

from eventflow.runtimes import logs
from eventflow.runtimes.process.logfile import LogFile


class At:
    """A clock that stands still until it is set."""

    def __init__(self) -> None:
        self.time = 1_475_712_557.25

    def now(self) -> float:
        return self.time

    def monotonic(self) -> float:
        return self.time


def write(path: Path, *pieces: tuple[str, bytes], limit: int = 1 << 20) -> None:
    log = LogFile(str(path), limit, At())
    for stream, data in pieces:
        log.write(stream, data)
    log.close()


async def read(path: Path) -> list[tuple[str, str]]:
    return [(line.stream, line.text) async for line in logs.read(path.parent, path.stem, lambda: False)]


def test_the_format_is_that_of_kubernetes(tmp_path: Path) -> None:
    path = tmp_path / "wf" / "pod" / "main.log"
    write(path, ("stdout", b"The content\nmo"), ("stderr", b"oops\n"), ("stdout", b"re\nend"))
    assert path.read_bytes().splitlines() == [
        b"2016-10-06T00:09:17.250000000Z stdout F The content",
        b"2016-10-06T00:09:17.250000000Z stderr F oops",
        b"2016-10-06T00:09:17.250000000Z stdout F more",
        b"2016-10-06T00:09:17.250000000Z stdout F end",
    ]


def test_a_silent_container_has_no_file(tmp_path: Path) -> None:
    write(tmp_path / "main.log")
    assert not (tmp_path / "main.log").exists()


@pytest.mark.parametrize("sizes", [[100_000], [16384], [16383, 1], [1] * 40_000, [16385]])
async def test_long_lines_come_back_whole(tmp_path: Path, sizes: list[int]) -> None:
    text = "".join(chr(97 + n % 26) for n in range(sum(sizes)))
    pieces, at = [], 0
    for size in sizes:
        pieces.append(("stdout", text[at : at + size].encode()))
        at += size
    path = tmp_path / "main.log"
    write(path, *pieces, ("stdout", b"\nnext\n"))
    assert all(len(line) < 17_000 for line in path.read_bytes().splitlines())
    assert await read(path) == [("stdout", text), ("stdout", "next")]


async def test_the_limit_holds_and_is_told(tmp_path: Path) -> None:
    path = tmp_path / "main.log"
    write(path, *[("stdout", b"0123456789\n" * 10)] * 100, limit=2000)
    lines = await read(path)
    assert lines[0] == ("stdout", "0123456789")
    assert lines[-1] == ("stderr", "[truncated: the log's size limit is reached]")
    assert path.stat().st_size < 2200


async def test_lines_of_several_containers_come_in_the_order_of_time(tmp_path: Path) -> None:
    (tmp_path / "a.log").write_text("2026-01-01T00:00:02.5Z stdout F a2\n")
    (tmp_path / "b.log").write_text("2026-01-01T00:00:01.000000001Z stdout F b1\n2026-01-01T00:00:03Z stderr F b3\n")
    lines = [line async for line in logs.read(tmp_path, None, lambda: False)]
    assert [(line.container, line.text) for line in lines] == [("b", "b1"), ("a", "a2"), ("b", "b3")]
    assert lines[1].at == 1767225602.5


async def test_a_container_name_cannot_lead_elsewhere(tmp_path: Path) -> None:
    (tmp_path / "pod").mkdir()
    (tmp_path / "other.log").write_text("2026-01-01T00:00:02.5Z stdout F a2\n")
    assert [line async for line in logs.read(tmp_path / "pod", "../other", lambda: False)] == []


def test_as_plain_text(tmp_path: Path) -> None:
    write(tmp_path / "main.log", ("stdout", b"x" * 40_000 + b"\ny\n"))
    assert logs.write_text(tmp_path / "main.log", tmp_path / "out" / "main.txt")
    assert (tmp_path / "out" / "main.txt").read_text() == "x" * 40_000 + "\ny\n"
    assert not logs.write_text(tmp_path / "absent.log", tmp_path / "out" / "absent.txt")
