"""`python -m tests.conformance DIR...`: judge eventflow by what the real Argo did.

Each DIR is searched for decision tables (`*.jsonl`, named by their folder and file, as `expressions/when`) and for
corpora of manifests (a folder with `index.csv`, `manifests/` and `outcomes/`). For each it prints

    name: N passed, N failed, N not runnable here

and the first differences; `--report FILE` writes all of them as JSON. The exit status is 0 if nothing failed.
"""

import argparse
import asyncio
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.conformance import corpus, tables
from tests.conformance.verdict import Verdict


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the judge and return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tests.conformance", description=__doc__)
    parser.add_argument("directories", nargs="+", type=Path, metavar="DIR")
    parser.add_argument("--report", type=Path, metavar="FILE", help="write every verdict as JSON")
    parser.add_argument("--only", default="", metavar="TEXT", help="only tables, corpora and cases whose name has TEXT")
    parser.add_argument("--differences", type=int, default=5, metavar="N", help="differences to print of each (5)")
    parser.add_argument("--jobs", type=int, default=4, metavar="N", help="workflows at once (4)")
    parser.add_argument(
        "--patience", type=float, default=corpus.PATIENCE, metavar="S", help="seconds a workflow may take at most"
    )
    parser.add_argument(
        "--sandbox", choices=("auto", "none"), default="auto", help="whether pods of corpora are sandboxed (auto)"
    )
    options = parser.parse_args(arguments)
    verdicts = [each for directory in options.directories for each in judge(directory, options)]
    for verdict in verdicts:
        print(verdict.summary(options.differences), flush=True)
    if options.report:
        report = {verdict.name: verdict.to_json() for verdict in verdicts}
        options.report.write_text(json.dumps(report, indent=1, sort_keys=True) + "\n")
    if not verdicts:
        print(f"nothing to judge under {', '.join(map(str, options.directories))}", file=sys.stderr)
        return 2
    return 1 if any(verdict.failed for verdict in verdicts) else 0


def judge(directory: Path, options: Any) -> list[Verdict]:
    """Return the verdicts on all tables and corpora under a directory."""
    verdicts = [tables.judge(path, options.only) for path in sorted(directory.rglob("*.jsonl"))]
    corpora = [index.parent for index in sorted(directory.rglob("index.csv")) if (index.parent / "manifests").is_dir()]
    for each in corpora:
        running = corpus.judge(each, options.only, options.jobs, options.patience, options.sandbox)
        verdicts.append(asyncio.run(running))
    return [verdict for verdict in verdicts if verdict.total]


if __name__ == "__main__":
    sys.exit(main())
