"""Lints files and directories, also where some of them cannot be read."""

from collections.abc import Iterable
from pathlib import Path

from eventflow.lint import linting
from eventflow.lint.findings import Finding
from eventflow.model import manifest_files
from eventflow.model.problems import Problem


def lint_paths(
    paths: Iterable[str | Path], *, offline: bool = False, now: float | None = None
) -> tuple[list[Finding], int]:
    """Return the findings for all manifests at `paths`, and how many objects were read.

    What cannot be read at all comes first. If there is any, a reference that leads out of what was read is a warning
    only, since its target may be in the part that was not.
    """
    resources, problems = manifest_files.read_paths(paths)
    found = linting.lint(resources, offline=offline or bool(problems), now=now)
    return [*map(of_problem, problems), *found], len(resources)


def of_problem(problem: Problem) -> Finding:
    """Return what keeps a manifest from being read as a finding."""
    return Finding("error", problem.rule, problem.message, problem.location, problem.hint, problem.source)
