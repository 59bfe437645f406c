"""cel-python's grammar, amended, as a parser of its own.

The grammar file is read without importing celpy, whose evaluator is not used and takes a quarter of a second to load.
Amended are: chains of single-child rules are collapsed; strings follow the language definition (escapes, raw and
triple-quoted forms); quoted field names (a.`b-c`), optional syntax (a.?b, a[?b], [?a], {?a: b}) and trailing commas
are added. Source: cel-spec doc/langdef.md, "Syntax".
"""

import functools
import importlib.util
import re
import threading
from pathlib import Path

import lark

from eventflow.errors import InvariantError
from eventflow.expressions.cel.errors import CelSyntaxError

_CHAIN = ("expr", "conditionalor", "conditionaland", "relation", "addition", "multiplication", "unary", "member")
_COLLAPSED = frozenset((*_CHAIN, "primary", "paren_expr"))
_ESCAPED = r"(?:\\[\s\S]|[^\\{quote}\r\n])*"
_LONG = r"(?:\\[\s\S]|[^\\])*?"
_QUOTED = "|".join(
    (
        r'[rR]"""[\s\S]*?"""',
        r"[rR]'''[\s\S]*?'''",
        rf'"""{_LONG}"""',
        rf"'''{_LONG}'''",
        r'[rR]"[^"\r\n]*"',
        r"[rR]'[^'\r\n]*'",
        '"' + _ESCAPED.replace("{quote}", '"') + '"',
        "'" + _ESCAPED.replace("{quote}", "'") + "'",
    )
)
_REPLACED = {
    "member": "member_dot | member_opt_dot | member_dot_arg | member_index | member_opt_index"
    " | member_object | primary",
    "member_dot": 'member "." (IDENT | QUOTED_IDENT)',
    "relation_in": "relation IN",
    "list_lit": '"[" [listinits] "]"',
    "mapinits": 'mapinit ("," mapinit)* [","]',
    "fieldinits": '(IDENT | QUOTED_IDENT) ":" expr ("," (IDENT | QUOTED_IDENT) ":" expr)* [","]',
    "literal": "UINT_LIT | FLOAT_LIT | INT_LIT | STRING_LIT | BYTES_LIT | BOOL_LIT | NULL_LIT",
    "INT_LIT": r"/-?(?:0x[0-9a-fA-F]+|[0-9]+)(?![0-9A-Za-z_])/",
    "UINT_LIT": r"/(?:0x[0-9a-fA-F]+|[0-9]+)[uU](?![0-9A-Za-z_])/",
    "FLOAT_LIT": r"/-?(?:[0-9]*\.[0-9]+(?:[eE][+-]?[0-9]+)?|[0-9]+[eE][+-]?[0-9]+)(?![0-9A-Za-z_])/",
    "STRING_LIT": f"/{_QUOTED}/",
    "BYTES_LIT": f"/[bB](?:{_QUOTED})/",
    "BOOL_LIT": r"/(?:true|false)\b/",
    "NULL_LIT": r"/null\b/",
    "IDENT": r"/(?!(?:true|false|null|in)\b)[_a-zA-Z][_a-zA-Z0-9]*/",
}
_ADDED = {
    "member_opt_dot": 'member "." "?" (IDENT | QUOTED_IDENT)',
    "member_opt_index": 'member "[" "?" expr "]"',
    "listinits": 'listinit ("," listinit)* [","]',
    "listinit": 'expr | "?" expr -> optional_item',
    "mapinit": 'expr ":" expr | "?" expr ":" expr -> optional_entry',
    "QUOTED_IDENT": r"/`[a-zA-Z0-9_.\/\- ]+`/",
    "IN": r"/in\b/",
}
_DROPPED = frozenset(("MLSTRING_LIT", "RESERVED", "HEXDIGIT", "DIGIT", "EXPONENT"))
_DEFINITION = re.compile(r"^(\w+)(?:\.\d+)?\s*:(.*(?:\n[ \t]+\|.*)*)", re.MULTILINE)
_WORD = re.compile(r"\w+|===|.", re.DOTALL)
_ADVICE = {
    "=": "compare with ==",
    "and": "write &&",
    "or": "write ||",
    "not": "write !",
    "&": "write &&",
    "|": "write ||",
    "if": "write condition ? a : b",
    "is": "compare with ==",
    "'": "is the string closed?",
    '"': "is the string closed?",
    "`": "quoted names take letters, digits and _ . - /",
    "$": "no $ before names",
    "===": "compare with ==",
}
_LOCK = threading.Lock()


def _grammar() -> str:
    package = importlib.util.find_spec("celpy")
    if package is None or not package.submodule_search_locations:
        raise InvariantError("the package cel-python is not installed, or changed its layout")
    text = (Path(package.submodule_search_locations[0]) / "cel.lark").read_text()
    rules = {match[1]: " ".join(match[2].split("\n")) for match in _DEFINITION.finditer(text)}
    missing = (_REPLACED.keys() | _COLLAPSED | _DROPPED) - rules.keys()
    if missing:
        raise InvariantError(f"the grammar of cel-python no longer has {sorted(missing)}")
    rules = {name: body for name, body in rules.items() if name not in _DROPPED} | _REPLACED | _ADDED
    inlined = _COLLAPSED | {"listinit"}
    lines = [f"{'?' if name in inlined else ''}{name}: {body}" for name, body in rules.items()]
    return "\n".join([*lines, "%ignore WHITESPACE", "%ignore COMMENT"])


@functools.cache
def _parser() -> lark.Lark:
    return lark.Lark(_grammar(), parser="lalr", start="expr", propagate_positions=True, maybe_placeholders=False)


def parse(source: str) -> lark.Tree[lark.Token]:
    """The parse tree. Raises CelSyntaxError."""
    if not source.strip():
        raise CelSyntaxError("the expression is empty")
    try:
        # Lark fills its scanners in on first use, so two threads must not parse at once.
        with _LOCK:
            return _parser().parse(source)
    except lark.UnexpectedCharacters as error:
        raise _syntax_error(source, error.line, error.column, error.pos_in_stream or 0) from None
    except lark.UnexpectedToken as error:
        if error.token.type == "$END":
            raise _ended(source) from None
        raise _syntax_error(source, error.line, error.column, error.token.start_pos or 0) from None


def _ended(source: str) -> CelSyntaxError:
    lines = source.rstrip().split("\n")
    return CelSyntaxError("syntax error: the expression ends too early", len(lines), len(lines[-1]) + 1)


def _syntax_error(source: str, line: int, column: int, offset: int) -> CelSyntaxError:
    word = _WORD.match(source, offset)
    seen = word[0] if word else ""
    return CelSyntaxError(f"syntax error at {seen[:40]!r}", line, column, hint=_ADVICE.get(seen))
