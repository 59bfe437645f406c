"""The process that runs jq programs and Lua scripts. Started by `scripting`, never imported by it.

Reads one JSON request a line from standard input, writes one JSON answer a line to standard output:
`{"language", "script", "value"}` -> `{"value"}`, `{"nothing": true}` or `{"error", "reason"}`. It has no environment,
a limit on memory, may write no file and start no process; it depends on nothing of eventflow.
"""

import functools
import importlib
import json
import os
import resource
import sys
from typing import Any

MEMORY = 512 * 1024 * 1024
LUA_MEMORY = 64 * 1024 * 1024
LARGEST_ANSWER = 8 * 1024 * 1024
DEEPEST = 200
LONGEST = 100_000

# Lua: what reaches files, processes, other modules, or the host.
_FORBIDDEN = (
    "io",
    "os",
    "package",
    "require",
    "module",
    "dofile",
    "loadfile",
    "debug",
    "python",
    "newproxy",
    "collectgarbage",
)


class _Failed(Exception):
    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


@functools.lru_cache(256)
def _program(source: str) -> Any:
    import jq

    try:
        return jq.compile(source)
    except ValueError as error:
        raise _Failed("transform", f"jq: {error}") from error


def run_jq(source: str, value: Any) -> dict[str, Any]:
    """Return the first output of a jq program; it sees the keys of objects in order, as with gojq."""
    program = _program(source).input_text(json.dumps(_whole(value), sort_keys=True))
    try:
        for output in program:
            return {"value": output}
    except ValueError as error:
        raise _Failed("transform", f"jq: {error}") from error
    return {"nothing": True}


def _whole(value: Any) -> Any:
    """Return a value with 1500.0 as 1500, as JSON numbers look to gojq."""
    if isinstance(value, dict):
        return {key: _whole(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_whole(item) for item in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def run_lua(source: str, value: Any) -> dict[str, Any]:
    """Return the last result of a Lua script that sees the value as the global `event`."""
    lua51: Any = importlib.import_module("lupa.lua51")
    lua = lua51.LuaRuntime(
        register_eval=False,
        register_builtins=False,
        unpack_returned_tuples=True,
        encoding="utf-8",
        max_memory=LUA_MEMORY,
    )
    names = lua.globals()
    set_metatable, get_metatable = names.setmetatable, names.getmetatable
    chunk_loader = names.loadstring
    reader = _Reader(names.type, get_metatable)
    marker = lua.table_from({"__is_array": True})
    names.event = _to_lua(lua, value, set_metatable, marker)
    for name in _FORBIDDEN:
        names[name] = None
    try:
        loaded = chunk_loader(source, "=script")
        chunk, problem = loaded if isinstance(loaded, tuple) else (loaded, None)
        if chunk is None:
            raise _Failed("script", f"Lua: {problem}")
        result = chunk()
    except (lua51.LuaError, UnicodeDecodeError) as error:
        raise _Failed("script", f"Lua: {error}") from error
    if isinstance(result, tuple):
        result = result[-1] if result else None
    return {"nothing": True} if result is None else {"value": reader.read(result)}


def _to_lua(lua: Any, value: Any, set_metatable: Any, marker: Any) -> Any:
    """Return a value as Lua sees it: null is nil, numbers are doubles, a list remembers that it is one."""
    if isinstance(value, dict):
        table = lua.table()
        for key, item in value.items():
            if item is not None:
                table[key] = _to_lua(lua, item, set_metatable, marker)
        return table
    if isinstance(value, list):
        items = [_to_lua(lua, item, set_metatable, marker) for item in value if item is not None]
        return set_metatable(lua.table_from(items), marker)
    if isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    return value


class _Reader:
    """Turns what a script returns into JSON, with the functions of Lua as they were before the script ran."""

    def __init__(self, kind_of: Any, get_metatable: Any) -> None:
        self._kind_of, self._get_metatable = kind_of, get_metatable

    def read(self, value: Any, depth: int = 0) -> Any:
        """Return the value as JSON: a table with a positive whole key is a list, with nulls where it has holes."""
        if depth > DEEPEST:
            raise _Failed("transform", "Lua: the result is nested too deeply")
        if isinstance(value, float):
            return _number(value)
        if value is None or isinstance(value, str | bool | int):
            return value
        if self._kind_of(value) != "table":
            raise _Failed("transform", f"Lua: a {self._kind_of(value)} is no JSON")
        length = max((int(key) for key in value if _is_index(key)), default=0)
        if length > LONGEST:
            raise _Failed("transform", f"Lua: a list of {length} is too long")
        if length or self._marked(value):
            return [self.read(value[index], depth + 1) for index in range(1, length + 1)]
        return {_key(key): self.read(item, depth + 1) for key, item in value.items()}

    def _marked(self, value: Any) -> bool:
        meta = self._get_metatable(value)
        return meta is not None and self._kind_of(meta) == "table" and meta["__is_array"] is True


def _is_index(key: Any) -> bool:
    return isinstance(key, int | float) and not isinstance(key, bool) and key >= 1 and float(key).is_integer()


def _number(value: float) -> int | float:
    if value != value or value in (float("inf"), float("-inf")):
        raise _Failed("transform", f"Lua: {value} is no JSON number")
    return int(value) if value.is_integer() and abs(value) < 1e21 else value


def _key(key: Any) -> str:
    if isinstance(key, float) and key.is_integer():
        return str(int(key))
    return ("true" if key else "false") if isinstance(key, bool) else str(key)


def answer(request: dict[str, Any]) -> dict[str, Any]:
    """Return the answer to a request."""
    run = {"jq": run_jq, "lua": run_lua}[request["language"]]
    try:
        return run(request["script"], request["value"])
    except _Failed as error:
        return {"error": str(error)[:2000], "reason": error.reason}
    except ImportError:
        return {"error": "not installed", "reason": "missing"}
    except (MemoryError, RecursionError) as error:
        return {"error": f"used up its memory ({type(error).__name__})", "reason": "limit"}


def _confine() -> None:
    for kind, limit in (
        (resource.RLIMIT_AS, MEMORY),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NPROC, 0),
    ):
        resource.setrlimit(kind, (limit, limit))


def main() -> None:
    """Serve until standard input ends."""
    os.environ.clear()  # Python itself sets LC_CTYPE in an empty environment
    _confine()
    for line in sys.stdin.buffer:
        text = json.dumps(answer(json.loads(line)), ensure_ascii=True)
        if len(text) > LARGEST_ANSWER:
            text = json.dumps({"error": f"the result is larger than {LARGEST_ANSWER} bytes", "reason": "limit"})
        sys.stdout.write(text + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
