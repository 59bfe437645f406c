"""The server, as the command line asks it: plain HTTP, no event loop. `EVENTFLOW_SERVER` and `EVENTFLOW_TOKEN`."""

import os
import ssl
from collections.abc import Iterator, Mapping
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

import orjson

from eventflow.errors import Conflict, Location, NotFound, TemporaryError, Unauthorized, UserError
from eventflow.model.problems import ManifestError, Problem

DEFAULT = "http://127.0.0.1:2746"
_ERRORS: Mapping[int, type[UserError]] = {401: Unauthorized, 404: NotFound, 409: Conflict}


class Client:
    """Asks one server. Raises UserError for what it refuses or when it is not there."""

    def __init__(self, url: str | None = None, token: str | None = None) -> None:
        self.url = (url or os.environ.get("EVENTFLOW_SERVER") or DEFAULT).rstrip("/")
        self._token = token or os.environ.get("EVENTFLOW_TOKEN") or ""
        self._parts = urlsplit(self.url)
        if self._parts.scheme not in ("http", "https") or not self._parts.hostname:
            raise UserError(f"EVENTFLOW_SERVER is no http address: {self.url!r}", hint=f"for example {DEFAULT}")

    def get(self, path: str, **query: str) -> Any:
        """Return the JSON answer to GET."""
        return self._json("GET", path, query)

    def put(self, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """Return the JSON answer to PUT."""
        return self._json("PUT", path, {}, orjson.dumps(body or {}))

    def post(self, path: str, body: Mapping[str, Any] | bytes, **query: str) -> Any:
        """Return the JSON answer to POST; bytes are sent as they are."""
        return self._json("POST", path, query, body if isinstance(body, bytes) else orjson.dumps(body))

    def delete(self, path: str, **query: str) -> Any:
        """Return the JSON answer to DELETE."""
        return self._json("DELETE", path, query)

    def lines(self, path: str, **query: str) -> Iterator[Any]:
        """Yield the JSON objects of a stream of lines."""
        with self._open("GET", path, query) as response:
            for line in response:
                if line.strip():
                    yield orjson.loads(line)

    def events(self, path: str, last: str = "", **query: str) -> Iterator[tuple[str, str, Any]]:
        """Yield (kind, id, data) of server-sent events until the stream ends; `last` is the id to go on after."""
        headers = {"Accept": "text/event-stream"} | ({"Last-Event-ID": last} if last else {})
        kind, id_ = "message", ""
        with self._open("GET", path, query, headers=headers) as response:
            for raw in response:
                name, _, value = raw.decode().rstrip("\n").partition(": ")
                if name == "event":
                    kind = value
                elif name == "id":
                    id_ = value
                elif name == "data":
                    yield kind, id_, orjson.loads(value)
                    kind = "message"

    def _json(self, method: str, path: str, query: Mapping[str, str], body: bytes | None = None) -> Any:
        with self._open(method, path, query, body) as response:
            return orjson.loads(response.read() or b"{}")

    def _open(
        self,
        method: str,
        path: str,
        query: Mapping[str, str],
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> HTTPResponse:
        target = self._parts.path + path + (f"?{urlencode(query)}" if query else "")
        sent = {"Content-Type": "application/json", "Connection": "close", **(headers or {})}
        if self._token:
            sent["Authorization"] = f"Bearer {self._token}"
        connection = self._connection()
        try:
            connection.request(method, target, body, sent)
            response = connection.getresponse()
        except ConnectionRefusedError as error:
            raise UserError(f"there is no server at {self.url}", hint=_NO_SERVER) from error
        except (OSError, HTTPException) as error:
            raise UserError(f"the server at {self.url} cannot be reached: {error}", hint=_NO_SERVER) from error
        if response.status >= 400:
            raise _refused(response)
        return response

    def _connection(self) -> HTTPConnection:
        host = self._parts.hostname or ""
        if self._parts.scheme == "https":
            return HTTPSConnection(host, self._parts.port, context=ssl.create_default_context())
        return HTTPConnection(host, self._parts.port)


_NO_SERVER = "start one with `eventflow dev`, or set EVENTFLOW_SERVER; `eventflow run` needs none"


def _refused(response: HTTPResponse) -> Exception:
    text = response.read()
    try:
        answer = orjson.loads(text)
    except orjson.JSONDecodeError:
        answer = {"message": text.decode("utf-8", "replace").strip()}
    message = str(answer.get("message") or f"status {response.status}")
    if response.status >= 500:
        return TemporaryError(f"the server answers {response.status}: {message}")
    hint = answer.get("hint")
    if response.status == 401:
        hint = "set EVENTFLOW_TOKEN"
    if answer.get("problems"):
        return ManifestError([_problem(each) for each in answer["problems"]])
    place = _place(str(answer.get("location") or ""))
    return _ERRORS.get(response.status, UserError)(message, location=place, hint=hint)


def _problem(told: Mapping[str, Any]) -> Problem:
    place = _place(str(told["location"])) or Location("")
    return Problem(str(told["rule"]), str(told["message"]), place, told.get("hint"), str(told.get("source") or ""))


def _place(text: str) -> Location | None:
    file, _, rest = text.partition(":")
    line, _, column = rest.partition(":")
    if not file:
        return None
    return Location(file, int(line) if line.isdigit() else 0, int(column) if column.isdigit() else 0)


def workflow_path(namespace: str, name: str, verb: str = "") -> str:
    """Return the path of a workflow, or of something that can be done to it."""
    base = f"/api/v1/workflows/{quote(namespace, safe='')}"
    return base + (f"/{quote(name, safe='@')}" if name else "") + (f"/{verb}" if verb else "")
