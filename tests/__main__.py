"""`python -m tests`: everything that must hold, in one command. `--quick` leaves out what takes long.

Lint, formatting, types, layers and dependency hygiene come first, then the tests. Tests that need a server take its
endpoint from the environment (TEST_POSTGRES, TEST_S3 ...), and are skipped with their reason where it is not set; with
CI=true a skip for want of a server is a failure.
"""

import argparse
import importlib.util
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent


def main(arguments: Sequence[str] | None = None) -> int:
    """Run every check and return the first exit status that is not 0."""
    parser = argparse.ArgumentParser(prog="python -m tests", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="leave out the tests marked slow")
    parser.add_argument("--checks", action="store_true", help="only lint, types, layers and dependencies")
    options, rest = parser.parse_known_args(arguments)
    if missing := _missing():
        print(f"not installed here: {', '.join(missing)}; pip install -e '.[dev]'", file=sys.stderr)
        return 2
    for command in _checks():
        if status := _run(command):
            return status
    if options.checks:
        return 0
    chosen = ["-m", "not slow"] if options.quick else []
    workers = str(min(os.cpu_count() or 1, 4))
    return _run([sys.executable, "-m", "pytest", "-n", workers, "--dist", "loadgroup", *chosen, *rest])


def _missing() -> list[str]:
    """Return what the checks and tests need that is not beside this interpreter."""
    programs = [Path(command[0]) for command in _checks()]
    found = [path.name for path in programs if not path.exists()]
    return found + [name for name in ("pytest", "xdist") if importlib.util.find_spec(name) is None]


def _checks() -> list[list[str]]:
    return [
        [str(BIN / "ruff"), "check", "."],
        [str(BIN / "ruff"), "format", "--check", "."],
        [str(BIN / "mypy")],
        [str(BIN / "lint-imports")],
        [str(BIN / "deptry"), "."],
    ]


def _run(command: list[str]) -> int:
    print("$", Path(command[0]).name, *command[1:], flush=True)
    began = time.monotonic()
    status = subprocess.run(command, cwd=ROOT, check=False).returncode
    print(f"  {'ok' if not status else f'exit status {status}'}, {time.monotonic() - began:.1f} s", flush=True)
    return status


if __name__ == "__main__":
    sys.exit(main())
