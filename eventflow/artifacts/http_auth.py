"""Who a request says it is: the `auth` of an http artifact, and the secrets of an artifactory one.

The forms are Argo's (v4.1.2 `workflow_types.go`, HTTPAuth): basic, client certificate, OAuth2 client credentials.
"""

import asyncio
import base64
import ssl
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
from yarl import URL

from eventflow.artifacts import outbound
from eventflow.artifacts.contract import Location
from eventflow.artifacts.outbound import Outbound
from eventflow.artifacts.secrets import SecretReader
from eventflow.errors import PermanentError, TemporaryError


@dataclass(frozen=True, slots=True)
class Credentials:
    """What goes to the artifact's own origin: headers, and a TLS context with a client certificate."""

    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    context: ssl.SSLContext | None = None


async def resolve(
    location: Location, secrets: SecretReader, session: aiohttp.ClientSession, guard: Outbound
) -> Credentials:
    """Read the secrets a location names. Raises PermanentError when one is missing or refused."""
    auth = location.get("auth") or {}
    basic = auth.get("basicAuth") or (location if location.get("usernameSecret") else {})
    headers = {str(header["name"]): str(header.get("value", "")) for header in location.get("headers") or ()}
    name = await secrets.value(basic.get("usernameSecret"))
    word = await secrets.value(basic.get("passwordSecret"))
    if name and word:
        headers["Authorization"] = "Basic " + base64.b64encode(f"{name}:{word}".encode()).decode()
    oauth = auth.get("oauth2") or {}
    if oauth.get("clientIDSecret"):
        headers["Authorization"] = f"Bearer {await _token(oauth, secrets, session, guard)}"
    return Credentials(headers, await _client_context(auth.get("clientCert") or {}, secrets))


async def _token(
    oauth: Mapping[str, Any], secrets: SecretReader, session: aiohttp.ClientSession, guard: Outbound
) -> str:
    """An access token by the client credentials grant (RFC 6749 section 4.4)."""
    url = URL(await secrets.value(oauth.get("tokenURLSecret")))
    guard.check(url)
    identity = await secrets.value(oauth.get("clientIDSecret"))
    word = await secrets.value(oauth.get("clientSecretSecret"))
    form = {"grant_type": "client_credentials"}
    if oauth.get("scopes"):
        form["scope"] = " ".join(oauth["scopes"])
    form |= {str(pair["key"]): str(pair.get("value", "")) for pair in oauth.get("endpointParams") or ()}
    authorization = "Basic " + base64.b64encode(f"{identity}:{word}".encode()).decode()
    try:
        headers = {"Authorization": authorization}
        async with session.post(url, data=form, headers=headers, allow_redirects=False) as answer:
            if answer.status >= 500 or answer.status == 429:
                raise TemporaryError(f"the token endpoint {url.host} answered {answer.status}")
            if answer.status != 200:
                raise PermanentError(f"the token endpoint {url.host} answered {answer.status}")
            return str((await answer.json(content_type=None))["access_token"])
    except (KeyError, TypeError, ValueError) as error:
        raise PermanentError(f"the token endpoint {url.host} gave no access_token") from error
    except (aiohttp.ClientError, TimeoutError) as error:
        raise outbound.translated(error, f"POST {url.host}") from error


async def _client_context(selectors: Mapping[str, Any], secrets: SecretReader) -> ssl.SSLContext | None:
    certificate = await secrets.value(selectors.get("clientCertSecret"))
    key = await secrets.value(selectors.get("clientKeySecret"))
    if not certificate or not key:
        return None
    return await asyncio.to_thread(_load, certificate, key)


def _load(certificate: str, key: str) -> ssl.SSLContext:
    context = ssl.create_default_context()
    with tempfile.TemporaryDirectory() as box:  # the library reads certificates from files only
        pair = Path(box) / "pair.pem"
        pair.touch(mode=0o600)
        pair.write_text(f"{certificate}\n{key}\n")
        try:
            context.load_cert_chain(pair)
        except ssl.SSLError as error:
            raise PermanentError(f"the client certificate cannot be used: {error.reason}") from error
    return context
