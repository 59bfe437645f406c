"""Settings: the file, the environment over it, and errors that lead to the mistake."""

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from eventflow import settings_reader
from eventflow.errors import UserError
from eventflow.model import yaml_loader
from eventflow.settings import Settings

DOCS = Path(__file__).parents[2] / "docs" / "settings.md"


def _read(text: str = "", **environ: str) -> Settings:
    documents = yaml_loader.load(text, "eventflow.yaml")
    return settings_reader.read(documents[0] if documents else None, environ)


def test_defaults_need_neither_file_nor_environment() -> None:
    assert _read() == Settings()
    assert _read().server.host == "127.0.0.1"


def test_the_file_sets_and_the_environment_wins() -> None:
    text = """
    dataDir: /var/lib/eventflow
    server: {port: 8080, bodyTimeout: 1m30s}
    limits:
      parallelism: 5
      eventSize: 2Mi
    outbound: {allow: [minio, 10.0.0.0/8]}
    artifacts:
      repository: {s3: {endpoint: minio:9000, bucket: b}}
    runtime: {hostPaths: [/srv], sandbox: bwrap}
    """
    settings = _read(text, EVENTFLOW_SERVER_PORT="9090", EVENTFLOW_OUTBOUND_PRIVATE="true", PATH="/bin")
    assert settings.data_dir == Path("/var/lib/eventflow")
    assert settings.server.port == 9090
    assert settings.server.body_timeout == 90.0
    assert settings.limits.parallelism == 5
    assert settings.limits.event_size == 2 << 20
    assert settings.outbound.allow == ("minio", "10.0.0.0/8")
    assert settings.outbound.private is True
    assert settings.artifacts.repository["s3"]["bucket"] == "b"
    assert settings.runtime.host_paths == ("/srv",)


def test_each_value_knows_where_it_comes_from() -> None:
    settings = _read("server:\n  port: 1\n  host: h\n", EVENTFLOW_SERVER_PORT="2")
    assert settings.origins == {"server.port": "EVENTFLOW_SERVER_PORT", "server.host": "eventflow.yaml:3:3"}
    shown = {key: (value, origin) for key, value, origin in settings_reader.view(settings)}
    assert shown["server.port"] == ("2", "EVENTFLOW_SERVER_PORT")
    assert shown["server.bodyTimeout"] == ("30s", "default")
    assert shown["store.eventRetention"] == ("15d", "default")
    assert shown["limits.eventSize"] == ("1Mi", "default")


def test_a_password_is_not_shown() -> None:
    settings = _read("store: {url: 'postgresql://me:hunter2@db/x'}")
    shown = {key: value for key, value, _ in settings_reader.view(settings)}
    assert shown["store.url"] == "postgresql://me:***@db/x"
    assert settings.store.url == "postgresql://me:hunter2@db/x"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "server:\n  prot: 1",
            "eventflow.yaml:2:3: there is no setting 'server.prot' .did you mean 'server.port'",
        ),
        ("limits: {event_size: 1}", "did you mean 'limits.eventSize'"),
        ("sever: {}", "did you mean 'server'"),
        ("zzz: 1", "docs/settings.md lists all keys"),
        ("server: 8080", "eventflow.yaml:1:9: 'server' must be a mapping"),
        ("- a", "'the settings' must be a mapping"),
        ("server: {port: http}", "'server.port' must be a whole number from 0, not 'http'"),
        ("server: {port: -1}", "whole number"),
        ("server: {port: true}", "whole number"),
        ("server: {host: 5}", "must be text, not 5"),
        ("outbound: {private: 'yes'}", "must be true or false, not 'yes'"),
        ("outbound: {allow: minio}", "must be a list of texts"),
        ("outbound: {allow: [1]}", "must be a list of texts"),
        ("limits: {eventSize: 1Q}", "must be a size such as"),
        ("server: {bodyTimeout: soon}", "must be a time such as"),
        ("runtime: {kind: podman}", "must be one of process, docker, kubernetes, not 'podman'"),
        ("runtime: {sandbox: unshare}", "must be one of auto, bwrap, none, not 'unshare'"),
        ("artifacts: {repository: s3}", "must be a mapping"),
        ("origins: {}", "there is no setting 'origins'"),
    ],
)
def test_a_mistake_in_the_file_is_refused_with_its_place(text: str, said: str) -> None:
    with pytest.raises(UserError, match=said):
        _read(text)


def test_an_empty_section_or_value_is_the_default() -> None:
    assert _read("server:\nstore:\n  url:\n") == Settings()


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("EVENTFLOW_SERVER_PROT", "1", "did you mean EVENTFLOW_SERVER_PORT"),
        ("EVENTFLOW_XYZZY", "1", "lists all variables"),
        ("EVENTFLOW_SERVER_PORT", "http", "EVENTFLOW_SERVER_PORT must be a whole number"),
        ("EVENTFLOW_OUTBOUND_PRIVATE", "maybe", "true or false"),
        ("EVENTFLOW_ARTIFACTS_REPOSITORY", "s3", "a JSON object"),
    ],
)
def test_a_mistake_in_the_environment_is_refused(name: str, value: str, said: str) -> None:
    with pytest.raises(UserError, match=said):
        _read(**{name: value})


@pytest.mark.parametrize(
    ("name", "value", "path", "expected"),
    [
        ("EVENTFLOW_OUTBOUND_ALLOW", "a, b,", ("outbound", "allow"), ("a", "b")),
        ("EVENTFLOW_OUTBOUND_PRIVATE", "0", ("outbound", "private"), False),
        ("EVENTFLOW_LIMITS_EVENT_SIZE", "1.5Ki", ("limits", "event_size"), 1536),
        ("EVENTFLOW_SERVER_BODY_TIMEOUT", "45", ("server", "body_timeout"), 45.0),
        ("EVENTFLOW_SERVER_BODY_TIMEOUT", "250ms", ("server", "body_timeout"), 0.25),
        ("EVENTFLOW_ARTIFACTS_REPOSITORY", '{"s3":{}}', ("artifacts", "repository"), {"s3": {}}),
        ("EVENTFLOW_RUNTIME_KIND", "docker", ("runtime", "kind"), "docker"),
        ("EVENTFLOW_SERVER_TLS_KEY", "", ("server", "tls_key"), None),
    ],
)
def test_values_from_the_environment(name: str, value: str, path: tuple[str, str], expected: Any) -> None:
    assert getattr(getattr(_read(**{name: value}), path[0]), path[1]) == expected


def test_what_kubernetes_tells_of_a_service_named_like_us_is_passed_over() -> None:
    links = {
        "EVENTFLOW_SERVICE_HOST": "10.0.0.1",
        "EVENTFLOW_SERVICE_PORT_HTTP": "2746",
        "EVENTFLOW_PORT": "tcp://10.0.0.1:2746",
        "EVENTFLOW_PORT_2746_TCP_ADDR": "10.0.0.1",
        "EVENTFLOW_SERVER_PORT": "tcp://10.0.0.2:2746",
        "EVENTFLOW_POSTGRES_SERVICE_HOST": "10.0.0.3",
    }
    assert _read(**links) == Settings()


def test_the_file_is_found_by_name_by_variable_or_by_default(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert settings_reader.load(environ={}) == Settings()
    for number, name in enumerate(("eventflow.yaml", "other.yaml", "third.yaml"), 1):
        (tmp_path / name).write_text(f"server: {{port: {number}}}")
    assert settings_reader.load(environ={}).server.port == 1
    assert settings_reader.load(environ={"EVENTFLOW_CONFIG": "other.yaml"}).server.port == 2
    assert settings_reader.load(Path("third.yaml"), {"EVENTFLOW_CONFIG": "other.yaml"}).server.port == 3
    with pytest.raises(UserError, match=r"nosuch.yaml: the settings cannot be read"):
        settings_reader.load(Path("nosuch.yaml"), {})


def test_settings_cannot_be_changed_in_place() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        Settings().server.port = 1  # type: ignore[misc]
    assert Settings().replace(namespace="team").namespace == "team"


def test_every_option_has_its_own_key_and_variable_and_says_what_it_is() -> None:
    options = list(settings_reader.options())
    assert len({option.key for option in options}) == len({option.variable for option in options}) == len(options)
    assert all(option.text and not option.text.endswith(".") for option in options)


def test_the_documented_table_is_the_real_one() -> None:
    assert settings_reader.table() in DOCS.read_text()
