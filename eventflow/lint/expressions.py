"""Tags and expressions in manifests: compiled as the engine would, their names looked up where they stand."""

from dataclasses import dataclass

from eventflow.errors import UserError
from eventflow.expressions.errors import TemplateError, WhenError
from eventflow.expressions.expr import program as expr
from eventflow.expressions.govaluate import expression as govaluate
from eventflow.expressions.govaluate.errors import GovaluateError
from eventflow.expressions.when import evaluate_when
from eventflow.lint import tags
from eventflow.lint.findings import Place, Report, Severity
from eventflow.lint.variables import CHECKED_ROOTS, Unknown, Variables
from eventflow.model import spelling


@dataclass(frozen=True, slots=True)
class Checker:
    """Looks at texts where `variables` are in force. `early` is how bad a reference to something later is."""

    variables: Variables
    report: Report
    early: Severity = "warning"

    def below(self, place: Place, *, without: frozenset[str] = frozenset()) -> None:
        """Check all tags of all texts below a place, except in the entries named by `without`."""
        for where, text in tags.texts(place, without=without):
            self.tags(where, text)

    def tags(self, place: Place, text: str) -> None:
        """Check the tags of one text."""
        for tag in tags.find(text):
            where = tags.line_and_column(text, tag.offset)
            if not tag.closed:
                self.report.within(
                    "error", "unclosed-tag", "this tag is never closed", place, where, "close it with }}"
                )
            elif tag.expression:
                self.expression(place, tag.text, text, tag.offset)
            else:
                self._simple(place, tag.text, where)

    def expression(self, place: Place, source: str, text: str, offset: int = 0) -> None:
        """Check an expression that begins at `offset` of the text at `place`."""
        program = compiled(self.report, place, source, text, offset)
        if program is None:
            return
        for name in sorted(program.names - set(program.guarded)):
            unknown = self.variables.unknown_in_expression(name)
            if unknown is not None:
                found = source.find(name)
                self._unknown(place, unknown, tags.line_and_column(text, offset + max(found, 0)))

    def _simple(self, place: Place, name: str, where: tuple[int, int]) -> None:
        unknown = self.variables.unknown(name)
        if unknown is not None:
            self._unknown(place, unknown, where)
            return
        root, dot, _ = name.partition(".")
        close = spelling.closest(root, CHECKED_ROOTS) if dot and root not in CHECKED_ROOTS else None
        if close is not None:
            message = f'"{root}" is no root of variables, so {{{{{name}}}}} stays as it is'
            self.report.within("warning", "unknown-variable", message, place, where, f'did you mean "{close}"?')

    def _unknown(self, place: Place, unknown: Unknown, where: tuple[int, int]) -> None:
        severity: Severity = self.early if unknown.rule == "variable-too-early" else "error"
        self.report.within(severity, unknown.rule, unknown.message, place, where, unknown.hint)


def compiled(report: Report, place: Place, source: str, text: str, offset: int = 0) -> expr.Program | None:
    """Return the program of an expression at `offset` of the text at `place`; None after reporting why not."""
    try:
        return expr.compile(source)
    except UserError as error:
        line, column = (error.location.line, error.location.column) if error.location else (1, 1)
        lines = source.split("\n")
        inside = sum(len(each) + 1 for each in lines[: line - 1]) + column - 1
        where = tags.line_and_column(text, offset + inside)
        report.within("error", "expression", error.message, place, where, error.hint)
        return None


def when(place: Place, report: Report) -> None:
    """Check a `when`. With tags in it, it can only be read as if each were a word, which is told as a warning."""
    text = place.text()
    if not text:
        return
    try:
        govaluate.compile(tags.filled(text, "x"))
        if "{{" not in text:
            evaluate_when(text)
    except WhenError as error:
        report.error("when", error.message, place)
    except GovaluateError as error:
        severity: Severity = "warning" if "{{" in text else "error"
        hint = 'compare with ==, !=, <, in …; quote texts that are no single word: "{{…}}" == "a b"'
        location = place.resource.locate(place.path)
        report.add(severity, "when", f"this condition cannot be parsed: {error}", place, location, hint)
    except TemplateError:
        return  # an unclosed tag is reported for what it is


def field(report: Report, place: Place, variables: Variables | None = None) -> None:
    """Check a field that is an expression as a whole. One with tags is known only when these are filled in."""
    text = place.text()
    if not text:
        return
    if "{{" in text:
        if variables is not None:
            Checker(variables, report).tags(place, text)
    elif variables is not None:
        Checker(variables, report).expression(place, text, text)
    else:
        compiled(report, place, text, text)
