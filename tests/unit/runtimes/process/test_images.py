"""What images start when nobody says."""

from typing import Any

import pytest

from eventflow.errors import UserError
from eventflow.runtimes.process.images import Images

IMAGES = Images()


@pytest.mark.parametrize(
    ("container", "command"),
    [
        ({"image": "busybox"}, ["sh"]),
        ({"image": "busybox", "args": ["echo", "hi"]}, ["echo", "hi"]),
        ({"image": "docker.io/library/python:3.11"}, ["python3"]),
        ({"image": "nginx:1.13"}, ["nginx", "-g", "daemon off;"]),
        ({"image": "argoproj/argosay:v2"}, ["/argosay"]),
        ({"image": "argoproj/argosay:v2", "args": ["echo"]}, ["/argosay", "echo"]),
        ({"image": "argoproj/argosay:v2", "command": ["sh"], "args": ["-c"]}, ["sh", "-c"]),
        ({"image": "quay.io/nobody/knows:1", "command": ["tool"]}, ["tool"]),
        ({"image": "alpine@sha256:" + "0" * 64}, ["/bin/sh"]),
    ],
)
def test_commands(container: dict[str, Any], command: list[str]) -> None:
    assert IMAGES.command(container) == command


@pytest.mark.parametrize(
    ("image", "ash"),
    [
        ("alpine:3.23", True),
        ("python:alpine3.23", True),
        ("python:3.11-alpine", True),
        ("python:3.11", False),
        ("debian:latest", False),
        ("registry:5000/alpine", None),
    ],
)
def test_whose_shell_is_busybox(image: str, ash: bool | None) -> None:
    found = IMAGES.find(image)
    assert (found.ash if found else None) is ash


def test_settings_come_first() -> None:
    images = Images({"busybox": {"entrypoint": ["mine"]}, "example.com/*": {"cmd": ["run"], "path": ["/opt/x"]}})
    assert images.command({"image": "busybox:1", "args": ["a"]}) == ["mine", "a"]
    found = images.find("example.com/team/tool:2")
    assert found is not None
    assert (found.cmd, found.path) == (("run",), ("/opt/x",))


def test_an_unknown_field_in_the_settings() -> None:
    with pytest.raises(UserError, match="entrypont"):
        Images({"x": {"entrypont": ["a"]}})


def test_nothing_to_run() -> None:
    with pytest.raises(UserError, match="no command"):
        IMAGES.command({"name": "main", "image": "example.com/unknown"})
    with pytest.raises(UserError, match="nothing to run"):
        Images({"empty": {}}).command({"image": "empty"})
