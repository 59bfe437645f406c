"""Clients of S3: one for each endpoint and set of credentials, and what their errors mean."""

import asyncio
import ssl
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any

import aioboto3  # type: ignore[import-untyped]
import botocore  # type: ignore[import-untyped]
from aiobotocore.config import AioConfig  # type: ignore[import-untyped]
from botocore.exceptions import (  # type: ignore[import-untyped]
    BotoCoreError,
    ClientError,
    HTTPClientError,
    NoCredentialsError,
)
from yarl import URL

from eventflow.artifacts.contract import Absent, Location
from eventflow.artifacts.environment import Environment
from eventflow.errors import EventflowError, PermanentError, TemporaryError

_MISSING = ("NoSuchKey", "NotFound", "404", "NoSuchUpload")
_TEMPORARY = ("SlowDown", "RequestTimeout", "InternalError", "ServiceUnavailable", "Throttling", "RequestTimeTooSkewed")
_AWS = "https://s3.amazonaws.com"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What tells one client from another."""

    endpoint: str
    region: str
    style: str
    access: str
    word: str = field(repr=False)
    token: str = field(repr=False)
    authority: str = field(repr=False)
    ambient: bool


class Clients:
    """Opens clients on first use and keeps them until closed."""

    def __init__(self, environment: Environment) -> None:
        self._environment = environment
        self._stack = AsyncExitStack()
        self._open: dict[Wanted, Any] = {}
        self._opening = asyncio.Lock()

    async def close(self) -> None:
        await self._stack.aclose()
        self._open.clear()

    async def get(self, location: Location) -> Any:
        """The client for a location. Raises PermanentError when its secrets or endpoint cannot be used."""
        secrets = self._environment.secrets
        wanted = Wanted(
            endpoint=_endpoint(location),
            region=str(location.get("region") or ""),
            style=str(location.get("addressingStyle") or ""),
            access=await secrets.value(location.get("accessKeySecret")),
            word=await secrets.value(location.get("secretKeySecret")),
            token=await secrets.value(location.get("sessionTokenSecret")),
            authority=await secrets.value(location.get("caSecret")),
            ambient=self._may_be_ambient(location),
        )
        async with self._opening:
            if wanted not in self._open:
                self._environment.outbound.check(URL(wanted.endpoint))
                client = aioboto3.Session().client("s3", **self._arguments(wanted))
                self._open[wanted] = await self._stack.enter_async_context(client)
            return self._open[wanted]

    def _may_be_ambient(self, location: Location) -> bool:
        """Whether the server's own credentials may be used: asked for, and for the operator's own bucket."""
        own = self._environment.repository.get("s3") or {}
        same = all(location.get(name) == own.get(name) for name in ("endpoint", "bucket"))
        return bool(location.get("useSDKCreds") and same)

    def _arguments(self, wanted: "Wanted") -> dict[str, Any]:
        """How to open a client: ours are the retries, and newer checksums are not asked of servers that lack them."""
        connector: dict[str, Any] = {"resolver": self._environment.outbound.resolver()}
        if wanted.authority:
            connector["ssl_context"] = _trusting(wanted.authority)
        signed = wanted.ambient or wanted.access
        config = AioConfig(
            connector_args=connector,
            signature_version="s3v4" if signed else botocore.UNSIGNED,
            retries={"total_max_attempts": 1},
            connect_timeout=30,
            read_timeout=60,
            max_pool_connections=32,
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
            s3={"addressing_style": _style(wanted.endpoint, wanted.style)},
        )
        credentials = (
            {"aws_access_key_id": wanted.access, "aws_secret_access_key": wanted.word} if wanted.access else {}
        )
        if wanted.token:
            credentials["aws_session_token"] = wanted.token
        return {
            "endpoint_url": None if wanted.endpoint == _AWS else wanted.endpoint,
            "region_name": wanted.region or "us-east-1",
            "config": config,
            **credentials,
        }

    async def make_bucket(self, client: Any, location: Location) -> None:
        """Create the bucket of a location unless it exists (Argo's `createBucketIfNotPresent`)."""
        bucket, region = str(location.get("bucket")), str(location.get("region") or "")
        options: dict[str, Any] = {}
        if region and region != "us-east-1":
            options["CreateBucketConfiguration"] = {"LocationConstraint": region}
        if (location.get("createBucketIfNotPresent") or {}).get("objectLocking"):
            options["ObjectLockEnabledForBucket"] = True
        try:
            with translated(f"create bucket {bucket}"):
                await client.head_bucket(Bucket=bucket)
        except Absent:
            with translated(f"create bucket {bucket}"):
                try:
                    await client.create_bucket(Bucket=bucket, **options)
                except ClientError as error:
                    if _code(error) not in ("BucketAlreadyExists", "BucketAlreadyOwnedByYou"):
                        raise


def _endpoint(location: Location) -> str:
    """Argo names a host, perhaps with a port; `insecure` then decides on TLS. A whole URL is accepted too."""
    text = str(location.get("endpoint") or "")
    if not text:
        return _AWS
    if "://" in text:
        return text.rstrip("/")
    return f"{'http' if location.get('insecure') else 'https'}://{text.rstrip('/')}"


def _trusting(authority: str) -> ssl.SSLContext:
    """A TLS context that trusts this certificate authority alone (Argo's `caSecret`)."""
    try:
        return ssl.create_default_context(cadata=authority)
    except ssl.SSLError as error:
        raise PermanentError(f"the caSecret of an s3 artifact is no certificate: {error.reason}") from error


def _style(endpoint: str, wanted: str) -> str:
    if wanted in ("path", "virtual-hosted"):
        return "virtual" if wanted == "virtual-hosted" else "path"
    host = URL(endpoint).host or ""
    return "auto" if host.endswith("amazonaws.com") else "path"


def _code(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))


@contextmanager
def translated(what: str) -> Iterator[None]:
    """Turn the library's errors into ours. `what` says in the message what was tried."""
    try:
        yield
    except EventflowError:
        raise
    except ClientError as error:
        raise _of_answer(error, what) from error
    except NoCredentialsError as error:
        raise PermanentError(f"{what}: no credentials: name accessKeySecret and secretKeySecret") from error
    except HTTPClientError as error:
        refused = error.kwargs.get("error")
        raise refused if isinstance(refused, EventflowError) else TemporaryError(f"{what}: {error}") from error
    except (OSError, TimeoutError) as error:
        raise TemporaryError(f"{what}: {type(error).__name__} {error}") from error
    except BotoCoreError as error:
        raise PermanentError(f"{what}: {error}") from error
    except Exception as error:
        if type(error).__module__.partition(".")[0] == "aiohttp":
            raise TemporaryError(f"{what}: {type(error).__name__} {error}") from error
        raise


def _of_answer(error: ClientError, what: str) -> EventflowError:
    code, status = _code(error), int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
    said = error.response.get("Error", {}).get("Message", "")
    text = f"{what} answered {status} {code} {said}".rstrip()
    if code in _MISSING or (status == 404 and code != "NoSuchBucket"):
        return Absent(text)
    if code in _TEMPORARY or status in (408, 429) or status >= 500:
        return TemporaryError(text)
    return PermanentError(text)
