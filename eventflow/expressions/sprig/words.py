"""Upper and lower case, words and lines (Masterminds/goutils and huandu/xstrings as sprig uses them)."""

import re

from eventflow.expressions.expr.builtin_texts import SPACES, lower, upper
from eventflow.expressions.golang import text

_PIECE = re.compile(
    r"(?P<connector>[-_\s]+)|(?P<number>\d+)|(?P<word>[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[^\W\d_]+)|(?P<other>[^\w\s-]+)"
)


def title(source: str) -> str:
    """strings.Title: the first letter of each word in upper case."""
    return re.sub(r"(?<!\w)[^\W\d_]", lambda match: upper(match[0]), source)


def untitle(source: str) -> str:
    """The first letter of each word in lower case."""
    return re.sub(r"(?<!\S)\S", lambda match: lower(match[0]), source)


def initials(source: str) -> str:
    """The first character of each word."""
    return "".join(re.findall(r"(?<!\S)\S", source))


def swap_case(source: str) -> str:
    """Upper to lower case and the other way round."""
    return "".join(lower(character) if character.isupper() else upper(character) for character in source)


def _is_connector(character: str) -> bool:
    return character in "-_" or character in SPACES


def pascal_case(source: str) -> str:
    """`http_server` to `HttpServer`; leading connectors stay."""
    body = source.lstrip("-_" + SPACES)
    result = source[: len(source) - len(body)]
    for chunk in re.split(f"[-_{SPACES}]+", body):
        head = len(chunk) - len(chunk.lstrip("".join(filter(str.isupper, set(chunk)))))
        result += upper(chunk[:1]) + lower(chunk[1:head]) + chunk[max(head, 1) :]
    trailing = body[len(body.rstrip("-_" + SPACES)) :]
    return result + trailing


def separate(source: str, connector: str) -> str:
    """`FirstName` to `first_name`."""
    pieces = [(match.lastgroup, match[0]) for match in _PIECE.finditer(source)]
    result = ""
    for index, (kind, piece) in enumerate(pieces):
        if kind == "connector":
            result += connector * len(piece)
            continue
        before = pieces[index - 1][0] if index else "connector"
        following = pieces[index + 1] if index + 1 < len(pieces) else ("", "")
        if _breaks(kind or "", piece, before or "", following):
            result += connector
        result += lower(piece)
    return result


def _breaks(kind: str, piece: str, before: str, following: tuple[str | None, str]) -> bool:
    """A word starts after a word, and with a capital after a number; a number starts one before small letters."""
    if kind == "word":
        return before == "word" or (before == "number" and piece[0].isupper())
    return kind == "number" and before == "word" and following[0] == "word" and following[1][0].islower()


def abbreviate(width: int, source: str) -> str:
    """Cut to `width` bytes, the last three of them dots."""
    if width < 4:
        return source
    return _abbreviate(text.to_bytes(source), 0, width)


def abbreviate_both(offset: int, width: int, source: str) -> str:
    """Cut on both sides, to `width` bytes from about `offset` on."""
    if width < 4 or (offset > 0 and width < 7):
        return source
    return _abbreviate(text.to_bytes(source), offset, width)


def _abbreviate(data: bytes, offset: int, width: int) -> str:
    if len(data) <= width:
        return text.from_bytes(data)
    offset = min(offset, len(data))
    if len(data) - offset < width - 3:
        offset = len(data) - (width - 3)
    if offset <= 4:
        return text.from_bytes(data[: width - 3]) + "..."
    if offset + width - 3 < len(data):
        return "..." + abbreviate(width - 3, text.from_bytes(data[offset:]))
    return "..." + text.from_bytes(data[len(data) - (width - 3) :])


def wrap(source: str, width: int, separator: str, *, break_words: bool) -> str:
    """Break lines of more than `width` characters at spaces; longer words anywhere, or not at all."""
    width, separator = max(width, 1), separator or "\n"
    parts: list[str] = []
    offset = 0
    while len(source) - offset > width:
        if source[offset] == " ":
            offset += 1
            continue
        space = source.rfind(" ", offset, offset + width + 1)
        if space < offset and not break_words:
            space = source.find(" ", offset + width)
            if space < 0:
                break
        end = space if space >= offset else offset + width
        parts.append(source[offset:end])
        offset = end + (end == space)
    return separator.join([*parts, source[offset:]])
