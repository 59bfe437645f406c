"""`python -m tests` where it cannot run."""

from pathlib import Path

import pytest

from tests import __main__ as entry


def test_without_the_tools_it_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(entry, "BIN", tmp_path)
    assert entry.main([]) == 2
    told = capsys.readouterr().err
    assert "pip install -e '.[dev]'" in told
    assert "ruff" in told


def test_with_the_tools_nothing_is_missing() -> None:
    assert entry._missing() == []
