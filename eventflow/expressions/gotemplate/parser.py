"""Parsing a template into nodes (Go text/template/parse/parse.go)."""

from collections.abc import Container

from eventflow.expressions.gotemplate import lexer, nodes
from eventflow.expressions.gotemplate.values import TemplateError

_KEYWORDS = frozenset("if else end range with define template block break continue".split())  # noqa: SIM905


def parse(source: str, functions: Container[str]) -> tuple[nodes.Body, dict[str, nodes.Body]]:
    """Return the main body and the named templates. Raises TemplateError, also for functions that are not known."""
    parser = _Parser(list(lexer.pieces(source)), functions)
    body, ending = parser.body()
    if ending:
        raise TemplateError(f"template: unexpected {{{{{ending}}}}}")
    return body, parser.named


class _Parser:
    def __init__(self, pieces: list[str | lexer.Action], functions: Container[str]) -> None:
        self._pieces = pieces
        self._at = 0
        self._functions = functions
        self.named: dict[str, nodes.Body] = {}

    def body(self, loop: bool = False) -> tuple[nodes.Body, str]:
        """Parse up to the end of the template or of the block; return also what ended it: "", "end" or "else"."""
        body = nodes.Body()
        while self._at < len(self._pieces):
            piece = self._pieces[self._at]
            self._at += 1
            if isinstance(piece, str):
                if piece:
                    body.nodes.append(nodes.Text(piece))
                continue
            word = piece.tokens[0].value if piece.tokens and piece.tokens[0].kind == "name" else ""
            if word in ("end", "else"):
                self._ended = piece
                return body, word
            self._add(body, piece, word, loop)
        return body, ""

    def _add(self, body: nodes.Body, action: lexer.Action, word: str, loop: bool) -> None:
        if word in ("if", "with", "range"):
            body.nodes.append(self._control(action, word, loop))
        elif word in ("define", "block", "template"):
            self._named_template(body, action, word)
        elif word in ("break", "continue"):
            if not loop:
                raise _error(action, f"{{{{{word}}}}} outside {{{{range}}}}")
            body.nodes.append(nodes.Leave(word))
        else:
            pipeline = _Expression(action, action.tokens, self._functions).pipeline()
            body.nodes.append(nodes.Output(pipeline, action.line))

    def _control(self, action: lexer.Action, word: str, loop: bool) -> nodes.Node:
        pipeline = _Expression(action, action.tokens[1:], self._functions).pipeline(several=word == "range")
        inside = loop or word == "range"
        body, ending = self.body(inside)
        otherwise = nodes.Body()
        if ending == "else":
            following = self._ended.tokens[1:]
            if following:
                chained = lexer.Action(following, self._ended.line)
                otherwise.nodes.append(self._control(chained, str(following[0].value), loop))
                ending = "end"
            else:
                otherwise, ending = self.body(loop)
        if ending != "end":
            raise _error(action, f"{{{{{word}}}}} has no {{{{end}}}}")
        if word == "range":
            return nodes.Range(pipeline, body, otherwise, action.line)
        return nodes.Branch(word, pipeline, body, otherwise, action.line)

    def _named_template(self, body: nodes.Body, action: lexer.Action, word: str) -> None:
        name = action.tokens[1] if len(action.tokens) > 1 else None
        if name is None or name.kind != "constant" or not isinstance(name.value, str):
            raise _error(action, f"{{{{{word}}}}} needs a name in quotes")
        rest = action.tokens[2:]
        pipeline = _Expression(action, rest, self._functions).pipeline() if rest else None
        if word in ("define", "block"):
            inner, ending = self.body()
            if ending != "end":
                raise _error(action, f"{{{{{word}}}}} has no {{{{end}}}}")
            self.named[name.value] = inner
        if word in ("block", "template"):
            body.nodes.append(nodes.Include(name.value, pipeline, action.line))


class _Expression:
    """The tokens of one action, read as a pipeline."""

    def __init__(self, action: lexer.Action, tokens: list[lexer.Token], functions: Container[str]) -> None:
        self._action = action
        self._tokens = tokens
        self._functions = functions
        self._at = 0

    def _peek(self, ahead: int = 0) -> lexer.Token | None:
        at = self._at + ahead
        return self._tokens[at] if at < len(self._tokens) else None

    def _kind(self, ahead: int = 0) -> str:
        token = self._peek(ahead)
        return token.kind if token else ""

    def pipeline(self, several: bool = False, nested: bool = False) -> nodes.Pipeline:
        variables, declares = self._declared(several)
        commands = [self._command()]
        while self._kind() == "pipe":
            self._at += 1
            commands.append(self._command())
        if not nested and self._peek() is not None:
            raise _error(self._action, f"unexpected {self._tokens[self._at].value!r}")
        for command in commands[1:]:
            if not isinstance(command.operands[0], nodes.Function | nodes.Fields | nodes.Variable):
                raise _error(self._action, "a value stands where a function should take the piped value")
        return nodes.Pipeline(tuple(commands), tuple(variables), declares)

    def _declared(self, several: bool) -> tuple[list[str], bool]:
        count = 2 if several and self._kind(1) == "comma" and self._kind(2) == "variable" else 1
        after = 3 if count == 2 else 1
        if self._kind() != "variable" or self._kind(after) not in ("declare", "assign"):
            return [], False
        names = [str(self._tokens[self._at + 2 * index].value) for index in range(count)]
        declares = self._kind(after) == "declare"
        self._at += after + 1
        return names, declares

    def _command(self) -> nodes.Command:
        operands: list[nodes.Operand] = []
        while self._kind() not in ("", "pipe", "close"):
            token = self._peek()
            if operands and token is not None and not token.spaced and token.kind != "open":
                raise _error(self._action, f"unexpected {token.value!r}")
            operands.append(self._operand())
        if not operands:
            raise _error(self._action, "missing value for a command")
        if isinstance(operands[0], nodes.Nil):
            raise _error(self._action, "nil is not a command")
        return nodes.Command(tuple(operands))

    def _operand(self) -> nodes.Operand:
        node = self._term()
        names: list[str] = []
        while True:
            token = self._peek()
            if token is None or token.kind != "field" or token.spaced:
                break
            names.append(str(token.value)[1:])
            self._at += 1
        if not names:
            return node
        if isinstance(node, nodes.Constant | nodes.Nil | nodes.Function):
            raise _error(self._action, f"unexpected .{names[0]} after a constant or a function")
        if isinstance(node, nodes.Fields):
            return nodes.Fields(node.base, (*node.names, *names))
        return nodes.Fields(node, tuple(names))

    def _term(self) -> nodes.Operand:
        token = self._tokens[self._at]
        self._at += 1
        match token.kind:
            case "constant":
                return nodes.Constant(token.value)
            case "field":
                return nodes.Fields(nodes.Dot(), (str(token.value)[1:],))
            case "dot":
                return nodes.Dot()
            case "variable":
                return nodes.Variable(str(token.value))
            case "open":
                inner = self.pipeline(nested=True)
                if self._kind() != "close":
                    raise _error(self._action, "unclosed left parenthesis")
                self._at += 1
                return inner
            case "name":
                return self._word(str(token.value))
        raise _error(self._action, f"unexpected {token.value!r}")

    def _word(self, word: str) -> nodes.Operand:
        if word in ("true", "false"):
            return nodes.Constant(word == "true")
        if word == "nil":
            return nodes.Nil()
        if word in _KEYWORDS:
            raise _error(self._action, f"unexpected {{{{{word}}}}}")
        if word not in self._functions:
            raise _error(self._action, f"function {word!r} not defined")
        return nodes.Function(word)


def _error(action: lexer.Action, message: str) -> TemplateError:
    return TemplateError(f"template: line {action.line}: {message}")
