"""Paths and URLs."""

import posixpath
import re
from typing import Any
from urllib.parse import quote, unquote

from eventflow.expressions.expr.errors import Fault
from eventflow.expressions.golang import text
from eventflow.expressions.sprig.signatures import define

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):(.*)", re.DOTALL)
_URL_PARTS = ("scheme", "host", "path", "query", "opaque", "fragment", "userinfo")
_PATH_SAFE = "/$&+,:;=@~!*'()"


def _clean(path: str) -> str:
    cleaned = posixpath.normpath(path) if path else "."
    return cleaned[1:] if cleaned.startswith("//") else cleaned


def _base(path: str) -> str:
    if not path:
        return "."
    return path.rstrip("/").rsplit("/", 1)[-1] or "/"


def _directory(path: str) -> str:
    return _clean(path[: path.rfind("/") + 1])


def _extension(path: str) -> str:
    name = path.rsplit("/", 1)[-1]
    return name[name.rfind(".") :] if "." in name else ""


def _parse_url(source: str) -> dict[str, Any]:
    """url.Parse into a map of texts."""
    if any(ord(character) < 0x20 or ord(character) == 0x7F for character in source):
        raise Fault("unable to parse url: invalid control character in URL")
    rest, _, fragment = source.partition("#")
    found = dict.fromkeys((*_URL_PARTS, "hostname"), "")
    found["fragment"] = unquote(fragment)
    match = _SCHEME.match(rest)
    if match:
        found["scheme"], rest = match[1].lower(), match[2]
    elif rest.split("/", 1)[0].startswith(":"):
        raise Fault(f'unable to parse url: parse "{source}": missing protocol scheme')
    rest, _, found["query"] = rest.partition("?")
    if found["scheme"] and not rest.startswith("/"):
        found["opaque"] = rest
        return found
    if rest.startswith("//"):
        authority, slash, tail = rest[2:].partition("/")
        found["userinfo"], _, found["host"] = authority.rpartition("@")
        found["hostname"] = _hostname(source, found["host"])
        rest = slash + tail
    found["path"] = unquote(rest)
    return found


def _hostname(source: str, host: str) -> str:
    name, colon, port = host.rpartition(":")
    if colon and not host.endswith("]"):
        if port and not port.isdecimal():
            raise Fault(f'unable to parse url: parse "{source}": invalid port ":{port}" after host')
        return name.strip("[]")
    return host.strip("[]")


def _join_url(parts: dict[str, Any]) -> str:
    """url.URL.String from a map of texts."""
    for name in _URL_PARTS:
        if not isinstance(parts.get(name, ""), str):
            raise Fault(f"unable to parse {name} key, must be of type string, but {text.kind_name(parts[name])} found")
    scheme, host, path, query, opaque, fragment, userinfo = (parts.get(name, "") for name in _URL_PARTS)
    result = f"{scheme}:" if scheme else ""
    if opaque:
        result += opaque
    else:
        if scheme or host or userinfo:
            result += "//" if host or path or userinfo else ""
            result += f"{userinfo}@{host}" if userinfo else host
        escaped = quote(path, safe=_PATH_SAFE)
        result += f"/{escaped}" if escaped and not escaped.startswith("/") and host else escaped
    result += f"?{query}" if query else ""
    return result + (f"#{quote(fragment, safe=_PATH_SAFE + '?')}" if fragment else "")


FUNCTIONS = (
    *(define(name, "s", _base) for name in ("base", "osBase")),
    *(define(name, "s", _directory) for name in ("dir", "osDir")),
    *(define(name, "s", _clean) for name in ("clean", "osClean")),
    *(define(name, "s", _extension) for name in ("ext", "osExt")),
    *(define(name, "s", lambda path: path.startswith("/")) for name in ("isAbs", "osIsAbs")),
    define("urlParse", "s", _parse_url),
    define("urlJoin", "m", _join_url),
)
