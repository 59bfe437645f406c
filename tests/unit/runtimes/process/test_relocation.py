"""Which paths in texts are a pod's, and what becomes of them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eventflow.runtimes.process.relocation import Relocation, begins, restore

PLACES = {"/tmp": "/R/tmp", "/work": "/R/work", "/work/source": "/R/work/source", "/x.y": "/R/x.y"}


@pytest.mark.parametrize(
    ("text", "rewritten"),
    [
        ("/work", "/R/work"),
        ("/work/", "/R/work/"),
        ("cd /work/source && ls /tmp", "cd /R/work/source && ls /R/tmp"),
        ("/work/sources", "/R/work/sources"),
        ("of=/tmp/x bs=1", "of=/R/tmp/x bs=1"),
        ("PATH=/usr/bin:/work/bin:/tmp", "PATH=/usr/bin:/R/work/bin:/R/tmp"),
        ("sort </tmp/a >/tmp/b 2>>/tmp/c", "sort </R/tmp/a >/R/tmp/b 2>>/R/tmp/c"),
        ("curl -d @/tmp/x", "curl -d @/R/tmp/x"),
        ("cc -o/tmp/x -I/work/include", "cc -o/R/tmp/x -I/R/work/include"),
        ("${OUT:-/tmp}/x ${OUT-/tmp}", "${OUT:-/R/tmp}/x ${OUT-/R/tmp}"),
        ("$(cat /tmp/x)`cat /tmp/y`", "$(cat /R/tmp/x)`cat /R/tmp/y`"),
        (
            "open('/tmp/x'); open(f\"/tmp/{n}\"); open(r'/tmp/x')",
            "open('/R/tmp/x'); open(f\"/R/tmp/{n}\"); open(r'/R/tmp/x')",
        ),
        ('{"path":"/tmp/x","all":["/work"]}', '{"path":"/R/tmp/x","all":["/R/work"]}'),
        ("It is in /tmp. And in /work, too", "It is in /R/tmp. And in /R/work, too"),
        ("/tmp/$NAME /tmp/*.json /tmp;/tmp", "/R/tmp/$NAME /R/tmp/*.json /R/tmp;/R/tmp"),
        (r"printf 'a\n/tmp/x'", r"printf 'a\n/R/tmp/x'"),
        ("git clone file:///tmp/origin", "git clone file:///R/tmp/origin"),
        ("sqlite:////tmp/x.db", "sqlite:////R/tmp/x.db"),
        ("/x.y/z", "/R/x.y/z"),
        ("#!/tmp/sh\n/tmp/a\n/tmp/b", "#!/R/tmp/sh\n/R/tmp/a\n/R/tmp/b"),
    ],
)
def test_paths_are_rewritten(text: str, rewritten: str) -> None:
    assert Relocation(PLACES).text(text) == rewritten


@pytest.mark.parametrize(
    "text",
    [
        "/workshop",
        "/a/work",
        "./work ../work ~/work a/work",
        "/work-2 /work_2 /work.d /work+x",
        "$HOME/work ${HOME}/work $(pwd)/work $1/work",
        '"$DIR"/work "${DIR}"/tmp \'a\'/tmp',
        'base + "/work" + name',
        "*/work ?/tmp [ab]/tmp",
        "http://host/tmp/x http://host:80/work https://u@h/work?at=/tmp/x",
        "http://$HOST/tmp http://{{host}}/work http:///tmp",
        "s3://bucket/work/source",
        "scp git@host:/work .",
        r"sed 's/\/tmp\/a/b/'",
        "${file%/tmp}",
        "/xxy",
        "",
        "no path",
    ],
)
def test_what_is_no_path_of_the_pod_is_left(text: str) -> None:
    assert Relocation(PLACES).text(text) == text


def test_a_text_is_rewritten_once() -> None:
    assert Relocation({"/tmp": "/tmp/pods/p/tmp"}).text("ls /tmp /tmp/a") == "ls /tmp/pods/p/tmp /tmp/pods/p/tmp/a"


def test_where_a_path_is() -> None:
    relocation = Relocation(PLACES)
    assert relocation.path("/work/source/a") == "/R/work/source/a"
    assert relocation.path("/work/other") == "/R/work/other"
    assert relocation.path("/workshop") is None
    assert Relocation({}).text("/tmp") == "/tmp"


@pytest.mark.parametrize(
    ("text", "restored"),
    [
        ("/d/pods/p/main/tmp/x", "/tmp/x"),
        ("at /d/pods/p/main.", "at /."),
        ("/d/pods/p/main", "/"),
        ("/d/pods/p/mainly", "/d/pods/p/mainly"),
        ("/d/pods/p/volumes/v/a:/d/pods/p/volumes/v", "/mnt/v/a:/mnt/v"),
        ("nothing", "nothing"),
    ],
)
def test_what_a_pod_says_is_restored(text: str, restored: str) -> None:
    assert restore(text, [["/d/pods/p/main", "/"], ["/d/pods/p/volumes/v", "/mnt/v"]]) == restored


_WORDS = st.sampled_from(["/tmp/a", "/work", "/work/source/b", "x", "/usr/bin", "http://h/tmp", "a/work", "--to=/tmp"])


@given(st.lists(_WORDS, max_size=6), st.sampled_from([" ", "\n", ";", " | "]))
def test_restoring_undoes_rewriting(words: list[str], between: str) -> None:
    text = between.join(words)
    assert restore(Relocation(PLACES).text(text), [["/R", "/"]]) == text


@given(st.text(max_size=30))
def test_any_text_can_be_judged(text: str) -> None:
    assert begins(text) in (True, False)
