"""From the SQL that aggregates write to the SQL of one database: tokens replaced, placeholders renamed, once each."""

import re
from collections.abc import Mapping
from functools import lru_cache

from eventflow.errors import InvariantError

_TOKEN = re.compile(r"\{%\s*(\w+)(?:\s+([^%]+?))?\s*%\}")


class Dialect:
    """One database's rendering of the shared SQL. `tokens` maps a token to its text; `{0}` is the argument."""

    def __init__(self, tokens: Mapping[str, str], placeholder: str) -> None:
        self._tokens = tokens
        self._placeholder = placeholder
        self.translate = lru_cache(maxsize=4096)(self._translate)

    def _translate(self, sql: str) -> str:
        replaced = _TOKEN.sub(self._token, sql)
        return re.sub(r"\$(\d+)", self._placeholder, replaced)

    def _token(self, match: re.Match[str]) -> str:
        name, argument = match.groups()
        if name not in self._tokens:
            raise InvariantError(f"SQL token {name!r} is unknown; known are {', '.join(sorted(self._tokens))}")
        return self._tokens[name].format(argument or "")
