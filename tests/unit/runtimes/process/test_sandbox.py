"""The command line of the sandbox, and what is said when it does not work."""

from pathlib import Path

import pytest

from eventflow.runtimes.process import doctor
from eventflow.runtimes.process.sandbox import Bubblewrap, Identity, Mount, Trees
from eventflow.runtimes.process.toolbox import Toolbox

TREES = Trees(("/usr",), (("/bin", "usr/bin"),))
TOOLS = Toolbox(Path("/data/tools"), ())


def words(bubblewrap: Bubblewrap, identity: Identity | None = None, *, fresh: bool = True) -> list[str]:
    mounts = [Mount("/v/deep", "/a/b/c"), Mount("/v", "/a", writable=False)]
    return bubblewrap.command(Path("/r"), mounts, "/work", identity or Identity(), ["sh", "-c", "x"], fresh=fresh)


def pairs(line: list[str]) -> set[tuple[str, ...]]:
    return {tuple(line[at : at + 3]) for at in range(len(line))}


def test_the_root_is_the_pods_and_trees_are_read_only() -> None:
    line = words(Bubblewrap("/usr/bin/bwrap", TREES, TOOLS))
    assert line[:4] == ["/usr/bin/bwrap", "--bind", "/r", "/"]
    assert ("--ro-bind", "/usr", "/usr") in pairs(line)
    assert ("--symlink", "usr/bin", "/bin") in pairs(line)
    assert line[-4:] == ["--", "sh", "-c", "x"]
    assert {"--unshare-pid", "--die-with-parent", "--new-session", "--disable-userns"} <= set(line)
    assert line[line.index("--cap-drop") + 1] == "ALL"


def test_outer_mounts_come_first() -> None:
    line = words(Bubblewrap("bwrap", TREES, TOOLS))
    assert ("--ro-bind", "/v", "/a") in pairs(line)
    assert line.index("/a") < line.index("/a/b/c")


def test_a_second_run_makes_no_links() -> None:
    assert "--symlink" not in words(Bubblewrap("bwrap", TREES, TOOLS), fresh=False)


def test_capabilities_cost_the_user_namespace() -> None:
    line = words(Bubblewrap("bwrap", TREES, TOOLS), Identity(capabilities=("CAP_CHOWN",)))
    assert "--unshare-user" not in line
    assert line[line.index("--cap-add") + 1] == "CAP_CHOWN"


def test_user_and_network() -> None:
    line = words(Bubblewrap("bwrap", TREES, TOOLS, network=False), Identity(1000, 1000))
    assert line[line.index("--uid") + 1] == "1000"
    assert "--unshare-net" in line


@pytest.mark.parametrize(
    ("said", "helps"),
    [
        ("bwrap: setting up uid map: Permission denied", "bwrap-userns-restrict"),
        ("bwrap: loopback: Failed RTM_NEWADDR: Operation not permitted", "network: host"),
        ("bwrap: Creating new namespace failed: No space left on device", "max_user_namespaces"),
        ("bwrap: Can't mount proc on /newroot/proc: Operation not permitted", "systempaths"),
        ("bwrap: something new", ""),
    ],
)
def test_errors_of_bubblewrap_are_explained(said: str, helps: str) -> None:
    assert helps in doctor.explain(said)
    assert bool(doctor.explain(said)) == bool(helps)
