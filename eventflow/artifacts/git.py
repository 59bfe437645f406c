"""Artifacts that are a checkout of a git repository, by the `git` command.

What the peer does (Argo v4.1.2 `workflow/artifacts/git/git.go`): clone, fetch the extra refs, check out the revision
detached, then the submodules. The command runs without the user's configuration, hooks or prompts, knows only the
protocols https, http, ssh and git, and is told the addresses it may connect to. Credentials reach it through
GIT_ASKPASS, for the repository's own host only.
"""

import asyncio
import re
import shutil
import tempfile
from contextlib import suppress
from pathlib import Path

from eventflow.artifacts import git_remote
from eventflow.artifacts.contract import ArtifactStore, Location
from eventflow.artifacts.environment import Environment, StorePlugin
from eventflow.artifacts.git_remote import Access
from eventflow.errors import PermanentError

_DEEPEST_SUBMODULES = 10
_HEADS = "+refs/heads/*:refs/remotes/origin/*"


class GitStore(ArtifactStore):
    """Reads `git: {repo, revision, depth, fetch, singleBranch, branch, disableSubmodules, ...}`."""

    kind = "git"

    def __init__(self, environment: Environment) -> None:
        self._environment = environment

    async def fetch(self, location: Location, destination: Path) -> None:
        """Clone into `destination`. Raises TemporaryError for the network's faults, PermanentError otherwise."""
        _check(location)
        box = Path(await asyncio.to_thread(tempfile.mkdtemp, prefix="eventflow-git-"))
        try:
            access = await git_remote.access(location, self._environment, box)
            await asyncio.to_thread(shutil.rmtree, destination, ignore_errors=True)
            await _Checkout(access, destination, location).run()
        finally:
            await asyncio.to_thread(shutil.rmtree, box, ignore_errors=True)


class _Checkout:
    """One clone on its way to the revision asked for."""

    def __init__(self, access: Access, directory: Path, location: Location) -> None:
        self._access = access
        self._directory = directory
        self._location = location

    async def run(self) -> None:
        location = self._location
        await self._clone()
        if await self._resolve("HEAD") is None and not await self._git("for-each-ref", "--count=1"):
            return  # an empty repository: the peer too leaves an empty work tree, whatever the revision
        for spec in location.get("fetch") or ():
            await self._git("fetch", *self._depth(), "--end-of-options", "origin", str(spec))
        if location.get("revision"):
            commit = await self._commit(str(location["revision"]))
            await self._git("checkout", "--quiet", "--force", "--detach", commit)
        if not location.get("disableSubmodules"):
            await self._submodules(self._directory, str(location["repo"]), 0)

    async def _clone(self) -> None:
        location = self._location
        options = ["--quiet", *self._depth()]
        if location.get("singleBranch"):
            options += ["--single-branch", "--branch", str(location["branch"])]
        elif location.get("depth"):
            options.append("--no-single-branch")
        await self._access.git("clone", *options, "--", str(location["repo"]), str(self._directory))

    def _depth(self) -> list[str]:
        depth = int(self._location.get("depth") or 0)
        return ["--depth", str(depth)] if depth > 0 else []

    async def _git(self, *arguments: str) -> str:
        return await self._access.git("-C", str(self._directory), *arguments)

    async def _resolve(self, revision: str) -> str | None:
        """The commit a name stands for: as git reads it (tags before branches), then as a branch of the remote."""
        for name in (revision, f"refs/remotes/origin/{revision}"):
            with suppress(PermanentError):
                return (await self._git("rev-parse", "--quiet", "--verify", f"{name}^{{commit}}")).strip()
        return None

    async def _commit(self, revision: str) -> str:
        commit = await self._resolve(revision)
        if commit is None:
            shallow = (self._directory / ".git" / "shallow").exists()
            refs = [] if self._location.get("singleBranch") else [_HEADS]
            await self._git("fetch", "--quiet", "--tags", *(["--unshallow"] if shallow else []), "origin", *refs)
            commit = await self._resolve(revision)
        if commit is None and re.fullmatch(r"[0-9a-f]{40,64}", revision):
            await self._git("fetch", "--quiet", "origin", revision)
            commit = await self._resolve(revision)
        if commit is None:
            raise PermanentError(f"the repository {self._location['repo']} has no revision '{revision}'")
        return commit

    async def _submodules(self, directory: Path, parent: str, depth: int) -> None:
        """Check out submodules level by level, since each level names hosts that must be checked first."""
        if not (directory / ".gitmodules").is_file() or (directory / ".gitmodules").is_symlink():
            return
        if depth >= _DEEPEST_SUBMODULES:
            raise PermanentError(f"the submodules of {self._location['repo']} nest deeper than {_DEEPEST_SUBMODULES}")
        here = ("-C", str(directory))
        await self._access.git(*here, "submodule", "--quiet", "init")
        listed = await self._access.git(*here, "config", "--get-regexp", r"^submodule\..*\.url$")
        for line in listed.splitlines():
            await self._access.permit(line.partition(" ")[2])
        await self._access.git(*here, "submodule", "--quiet", "update")
        paths = await self._access.git(*here, "config", "-f", ".gitmodules", "--get-regexp", r"^submodule\..*\.path$")
        for line in paths.splitlines():
            below = directory / line.partition(" ")[2]
            if _is_real(below, directory):
                await self._submodules(below, parent, depth + 1)


def _is_real(below: Path, directory: Path) -> bool:
    """Whether a submodule's path is a directory within its parent, and no link to somewhere else."""
    return below.is_dir() and below.resolve() == directory.resolve() / below.relative_to(directory)


def _check(location: Location) -> None:
    """Refuse what git would take for an option, and a branch that is not named."""
    if location.get("singleBranch") and not location.get("branch"):
        raise PermanentError("single branch mode without a branch specified")
    words = [location.get("repo"), location.get("revision"), location.get("branch"), *(location.get("fetch") or ())]
    for word in words:
        if word and (str(word).startswith("-") or re.search(r"[\x00-\x1f]", str(word))):
            raise PermanentError(f"git cannot be given {str(word)!r}")
    if not location.get("repo"):
        raise PermanentError("the git artifact has no repo")


PLUGIN = StorePlugin("git", "a checkout of a git repository", GitStore)
