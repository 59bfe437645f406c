"""Keys and locations: what is refused, what is inherited."""

from typing import Any

import pytest

from eventflow.artifacts import keys, locations
from eventflow.artifacts.contract import BadLocation

AZURE = {"endpoint": "e", "container": "c"}
S3 = {"endpoint": "minio:9000", "bucket": "b", "insecure": True}


@pytest.mark.parametrize(
    "key",
    ["..", "a/..", "../a", "a/../b", "%2e%2e/a", "%2E./a", "a/%252e%252e", "a\\..\\b", "a%5c..%5cb", "a\0", "\x7f", ""],
)
def test_keys_that_climb_are_refused(key: str) -> None:
    with pytest.raises(BadLocation):
        keys.check(key)


def test_keys_that_are_too_long_or_no_text_are_refused() -> None:
    assert keys.check("é" * 512)
    with pytest.raises(BadLocation, match="1026 bytes"):
        keys.check("é" * 513)
    with pytest.raises(BadLocation, match="Unicode"):
        keys.check("\ud800")


@pytest.mark.parametrize(
    "key", ["a", "wf/pod/main.tgz", "a..b", "...", "a b/ü", "100%", "a//b", "/lead", "%zz", "a/./b"]
)
def test_ordinary_keys_pass(key: str) -> None:
    assert keys.check(key) == key
    assert all(part not in ("", ".", "..") for part in keys.segments(key))


def test_a_key_of_nothing_but_slashes_names_nothing() -> None:
    with pytest.raises(BadLocation):
        keys.segments("//./")


@pytest.mark.parametrize(
    ("artifact", "repository", "expected"),
    [
        ({"s3": {**S3, "key": "k"}}, {}, ("s3", {**S3, "key": "k"})),
        ({"s3": {"key": "k"}}, {}, ("local", {"key": "k"})),
        ({"s3": {"key": "k"}}, {"s3": S3}, ("s3", {**S3, "key": "k"})),
        ({"s3": {"key": "k", "bucket": "own"}}, {"s3": S3}, ("s3", {**S3, "bucket": "own", "key": "k"})),
        ({"s3": {"key": "k"}}, {"gcs": {"bucket": "g", "key": "x"}}, ("gcs", {"bucket": "g", "key": "k"})),
        ({"gcs": {"key": "k"}}, {"s3": S3}, ("s3", {**S3, "key": "k"})),
        ({"azure": {"blob": "k"}}, {}, ("local", {"key": "k"})),
        ({"s3": {"key": "k"}}, {"azure": AZURE}, ("azure", {**AZURE, "blob": "k"})),
        ({"raw": {"data": "x"}}, {"s3": S3}, ("raw", {"data": "x"})),
        ({"raw": {"data": ""}}, {}, ("raw", {"data": ""})),
        ({"git": {"repo": "r"}}, {}, ("git", {"repo": "r"})),
        ({"http": {"url": "http://h/x"}}, {}, ("http", {"url": "http://h/x"})),
        ({"name": "a", "path": "/tmp"}, {"s3": S3}, None),
        ({"s3": {}}, {"s3": S3}, None),
    ],
)
def test_what_a_location_inherits(artifact: dict[str, Any], repository: dict[str, Any], expected: object) -> None:
    assert locations.complete(artifact, repository) == expected


def test_a_place_that_is_half_named_is_not_guessed() -> None:
    with pytest.raises(BadLocation, match=r"names the s3 bucket 'b' but no endpoint"):
        locations.complete({"name": "a", "s3": {"bucket": "b", "key": "k"}}, {})


def test_an_artifact_has_one_location() -> None:
    with pytest.raises(BadLocation, match="more than one location: s3, raw"):
        locations.complete({"name": "a", "raw": {"data": ""}, "s3": {"key": "k"}}, {})


@pytest.mark.parametrize(
    ("artifact", "repository", "expected"),
    [
        ({}, {"s3": {**S3, "key": "wf/pod"}}, {"s3": {"key": "wf/pod/a.tgz"}}),
        ({}, {"s3": {**S3, "key": "wf/pod/a.tgz"}}, {"s3": {"key": "wf/pod/a.tgz"}}),
        ({}, {"local": {"key": "wf/pod"}}, {"s3": {"key": "wf/pod/a.tgz"}}),
        ({}, {"gcs": {"bucket": "g", "key": "wf/pod"}}, {"gcs": {"key": "wf/pod/a.tgz"}}),
        ({}, {"http": {"url": "https://h/base/wf"}}, {"http": {"url": "https://h/base/wf/a.tgz"}}),
        ({"s3": {"key": "own"}}, {"s3": {**S3, "key": "wf/pod"}}, {"s3": {"key": "own"}}),
        ({"s3": {"bucket": "own"}}, {"s3": {**S3, "key": "wf/pod"}}, {"s3": {"key": "wf/pod/a.tgz"}}),
        ({"http": {"url": "https://h/x"}}, {"s3": {"key": "wf"}}, {"http": {"url": "https://h/x"}}),
    ],
)
def test_where_an_output_is_saved(artifact: dict[str, Any], repository: dict[str, Any], expected: object) -> None:
    assert locations.assign({"name": "a", **artifact}, repository, "a.tgz") == {"name": "a", **(expected or {})}  # type: ignore[dict-item]


def test_an_output_without_a_key_from_anywhere_is_refused() -> None:
    with pytest.raises(BadLocation, match="has no key"):
        locations.assign({"name": "a"}, {"s3": S3}, "a.tgz")
    with pytest.raises(BadLocation, match="climbs"):
        locations.assign({"name": "a"}, {"s3": {"key": "../other-ns"}}, "a.tgz")
