"""Errors as people read them: place, reason, the next thing to try."""

from eventflow.errors import InvariantError, PermanentError, TemporaryError, UserError


def text_of(error: BaseException) -> str | None:
    """Return what to tell of an error, None for a defect of eventflow, which shows as a traceback."""
    from eventflow.model.problems import ManifestError

    if isinstance(error, ManifestError):
        blocks = [
            _block(str(each.location), each.message, each.hint, each.source, each.location.column)
            for each in error.problems
        ]
        return "\n".join(blocks)
    if isinstance(error, UserError):
        return _block(str(error.location or ""), error.message, error.hint)
    if isinstance(error, TemporaryError):
        return _block("", f"{error}", "try again")
    if isinstance(error, PermanentError):
        return _block("", str(error), None)
    if isinstance(error, InvariantError) or not isinstance(error, OSError):
        return None
    where = f"{error.filename}: " if error.filename else ""
    return _block("", f"{where}{error.strerror or error}", None)


def _block(place: str, message: str, hint: str | None, source: str = "", column: int = 0) -> str:
    lines = [f"{place}: error: {message}" if place else f"error: {message}"]
    if source.strip():
        lines.append(f"  | {source.expandtabs(4)}")
        if column:
            before = source[: column - 1].expandtabs(4)
            lines.append(f"  | {' ' * len(before)}^")
    if hint:
        lines.append(f"  hint: {hint}")
    return "\n".join(lines)
