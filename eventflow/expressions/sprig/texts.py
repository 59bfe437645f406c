"""Functions of texts."""

from collections.abc import Callable

from eventflow.expressions.expr import builtin_texts
from eventflow.expressions.expr.builtin_texts import SPACES, lower, repeat, replace, upper
from eventflow.expressions.golang import text
from eventflow.expressions.sprig import words
from eventflow.expressions.sprig.signatures import define, show, show_all


def _bytewise(cut: Callable[[bytes], bytes], source: str) -> str:
    return text.from_bytes(cut(text.to_bytes(source)))


def _truncate(count: int, source: str) -> str:
    def cut(data: bytes) -> bytes:
        if count < 0:
            return data[count:] if len(data) + count > 0 else data
        return data[:count]

    return _bytewise(cut, source)


def _substring(start: int, end: int, source: str) -> str:
    def cut(data: bytes) -> bytes:
        if start < 0:
            return data[: _index(end, data)]
        if end < 0 or end > len(data):
            return data[_index(start, data) :]
        if start > end:
            raise ValueError(f"slice bounds out of range [{start}:{end}]")
        return data[start:end]

    return _bytewise(cut, source)


def _index(position: int, data: bytes) -> int:
    if not 0 <= position <= len(data):
        raise ValueError(f"slice bounds out of range [{position}] with length {len(data)}")
    return position


def _indent(spaces: int, source: str) -> str:
    pad = repeat(" ", spaces)
    return pad + replace(source, "\n", "\n" + pad)


def _split(separator: str, source: str, limit: int = -1) -> dict[str, str]:
    parts = builtin_texts.split(source, separator, limit)
    return {f"_{index}": part for index, part in enumerate(parts)}


def _quote(*values: object) -> str:
    return " ".join(text.quote(show(value)) for value in values if value is not None)


def _single_quote(*values: object) -> str:
    return " ".join(f"'{text.format_value(value)}'" for value in values if value is not None)


def _cat(*values: object) -> str:
    return " ".join(text.format_value(value) for value in values if value is not None)


def _wrap_with(width: int, separator: str, source: str) -> str:
    return words.wrap(source, width, separator, break_words=True)


def _strip(cutset: str, source: str) -> str:
    return source.strip(cutset) if cutset else source


FUNCTIONS = (
    define("hello", "", lambda: "Hello!"),
    define("trim", "s", lambda source: source.strip(SPACES)),
    define("upper", "s", upper),
    define("lower", "s", lower),
    define("title", "s", words.title),
    define("untitle", "s", words.untitle),
    define("substr", "iis", _substring),
    define("repeat", "is", lambda count, source: repeat(source, count)),
    define("trimall", "ss", _strip),
    define("trimAll", "ss", _strip),
    define("trimSuffix", "ss", lambda suffix, source: source.removesuffix(suffix)),
    define("trimPrefix", "ss", lambda prefix, source: source.removeprefix(prefix)),
    define("nospace", "s", lambda source: "".join(c for c in source if c not in SPACES)),
    define("initials", "s", words.initials),
    define("swapcase", "s", words.swap_case),
    define("snakecase", "s", lambda source: words.separate(source, "_")),
    define("kebabcase", "s", lambda source: words.separate(source, "-")),
    define("camelcase", "s", words.pascal_case),
    define("abbrev", "is", words.abbreviate),
    define("abbrevboth", "iis", words.abbreviate_both),
    define("wrap", "is", lambda width, source: words.wrap(source, width, "\n", break_words=False)),
    define("wrapWith", "iss", _wrap_with),
    define("trunc", "is", _truncate),
    define("contains", "ss", lambda part, source: part in source),
    define("hasPrefix", "ss", lambda prefix, source: source.startswith(prefix)),
    define("hasSuffix", "ss", lambda suffix, source: source.endswith(suffix)),
    define("quote", "a*", _quote),
    define("squote", "a*", _single_quote),
    define("cat", "a*", _cat),
    define("indent", "is", _indent),
    define("nindent", "is", lambda spaces, source: "\n" + _indent(spaces, source)),
    define("replace", "sss", lambda old, new, source: replace(source, old, new)),
    define("plural", "ssi", lambda one, many, count: one if count == 1 else many),
    define("toString", "a", show),
    define("toStrings", "a", show_all),
    define("join", "sa", lambda separator, values: builtin_texts.join(show_all(values), separator)),
    define("split", "ss", _split),
    define("splitList", "ss", lambda separator, source: builtin_texts.split(source, separator)),
    define("splitn", "sis", lambda separator, limit, source: _split(separator, source, limit)),
)
