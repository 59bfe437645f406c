"""Tokens into a syntax tree, by operator precedence (expr-lang v1.17 parser)."""

from eventflow.expressions.expr import grammar, lexer, nodes
from eventflow.expressions.expr.errors import ExprSyntaxError, locate
from eventflow.expressions.expr.lexer import Kind, Token
from eventflow.expressions.golang import numbers, text

MAXIMUM_NODES = 2_000
MAXIMUM_DEPTH = 64
MAXIMUM_HEIGHT = 200


def parse(source: str, builtins: frozenset[str]) -> nodes.Node:
    """Return the tree of an expression. Raises ExprSyntaxError with the place of the first error."""
    parser = _Parser(source, builtins)
    tree = parser.sequence()
    if parser.current.kind is not Kind.END:
        raise parser.unexpected()
    if nodes.is_higher(tree, MAXIMUM_HEIGHT):
        message = f"more than {MAXIMUM_HEIGHT} operators or members follow one another"
        raise ExprSyntaxError(message, location=locate(source, 0), hint="group them with parentheses")
    return tree


class _Parser:
    """One pass over the tokens of one text."""

    def __init__(self, source: str, builtins: frozenset[str]) -> None:
        self._source = source
        self._builtins = builtins
        self._tokens = lexer.tokenize(source)
        self._index = 0
        self._depth = 0
        self._predicates = 0
        # Every node takes at least one token, so this bounds the nodes too.
        if len(self._tokens) > MAXIMUM_NODES:
            raise self.fault(self._tokens[MAXIMUM_NODES], f"the expression has more than {MAXIMUM_NODES} parts")

    @property
    def current(self) -> Token:
        return self._tokens[self._index]

    def fault(self, token: Token, message: str) -> ExprSyntaxError:
        return ExprSyntaxError(message, location=locate(self._source, token.offset))

    def unexpected(self) -> ExprSyntaxError:
        return self.fault(self.current, f"unexpected {self.current}")

    def _advance(self) -> Token:
        token = self.current
        if token.kind is not Kind.END:
            self._index += 1
        return token

    def _at(self, kind: Kind, *values: str) -> bool:
        token = self.current
        return token.kind is kind and (not values or token.value in values)

    def _expect(self, kind: Kind, *values: str) -> Token:
        if not self._at(kind, *values):
            raise self.unexpected()
        return self._advance()

    def sequence(self) -> nodes.Node:
        items = [self.expression(0)]
        while self._at(Kind.OPERATOR, ";"):
            self._advance()
            if self.current.kind is Kind.END:
                break
            items.append(self.expression(0))
        return items[0] if len(items) == 1 else nodes.Sequence(tuple(items), offset=items[0].offset)

    def expression(self, precedence: int) -> nodes.Node:
        self._depth += 1
        if self._depth > MAXIMUM_DEPTH:
            raise self.fault(self.current, f"the expression is nested deeper than {MAXIMUM_DEPTH} levels")
        if precedence == 0 and self._at(Kind.OPERATOR, "let"):
            result = self._let()
        elif precedence == 0 and self._at(Kind.OPERATOR, "if"):
            result = self._if()
        else:
            result = self._operators(self._primary(), precedence)
            if precedence == 0:
                result = self._conditional(result)
        self._depth -= 1
        return result

    def _operators(self, left: nodes.Node, precedence: int) -> nodes.Node:
        previous = ""
        while self.current.kind is Kind.OPERATOR:
            token, negated = self.current, self.current.value == "not"
            if negated:
                token = self._tokens[self._index + 1]
                if token.value not in grammar.NEGATABLE:
                    self._advance()
                    raise self.unexpected()
            strength = grammar.BINARY.get(token.value, -1)
            if strength < precedence:
                break
            self._index += 2 if negated else 1
            if previous == "??" and token.value not in ("??", "|"):
                raise self.fault(token, f"{token} cannot be mixed with ??: put one of them in parentheses")
            left = self._binary(left, token, strength)
            if negated:
                left = nodes.Unary("not", left, offset=token.offset)
            previous = token.value
        return left

    def _binary(self, left: nodes.Node, token: Token, strength: int) -> nodes.Node:
        if token.value == "|":
            return self._call(self._expect(Kind.IDENTIFIER), (left,))
        if token.value in grammar.COMPARISONS:
            return self._comparison(left, token, strength)
        right = self.expression(strength if token.value in grammar.RIGHT_ASSOCIATIVE else strength + 1)
        return nodes.Binary(token.value, left, right, offset=token.offset)

    def _comparison(self, left: nodes.Node, token: Token, strength: int) -> nodes.Node:
        """`a < b < c` means a < b && b < c."""
        root: nodes.Node | None = None
        while True:
            right = self.expression(strength + 1)
            step = nodes.Binary(token.value, left, right, offset=token.offset)
            root = step if root is None else nodes.Binary("&&", root, step, offset=token.offset)
            if not self._at(Kind.OPERATOR, *grammar.COMPARISONS):
                return root
            left, token = right, self._advance()

    def _let(self) -> nodes.Node:
        self._advance()
        name = self._expect(Kind.IDENTIFIER)
        self._expect(Kind.OPERATOR, "=")
        value = self.expression(0)
        self._expect(Kind.OPERATOR, ";")
        return nodes.Let(name.value, value, self.sequence(), offset=name.offset)

    def _if(self) -> nodes.Node:
        token = self._advance()
        condition = self.expression(0)
        then = self._block()
        self._expect(Kind.OPERATOR, "else")
        otherwise = self._if() if self._at(Kind.OPERATOR, "if") else self._block()
        return nodes.Conditional(condition, then, otherwise, offset=token.offset)

    def _block(self) -> nodes.Node:
        self._expect(Kind.BRACKET, "{")
        body = self.sequence()
        self._expect(Kind.BRACKET, "}")
        return body

    def _conditional(self, condition: nodes.Node) -> nodes.Node:
        while self._at(Kind.OPERATOR, "?"):
            token = self._advance()
            if self._at(Kind.OPERATOR, ":"):
                then = condition
            else:
                then = self.expression(0)
            self._expect(Kind.OPERATOR, ":")
            condition = nodes.Conditional(condition, then, self.expression(0), offset=token.offset)
        return condition

    def _primary(self) -> nodes.Node:
        token = self.current
        if token.kind is Kind.OPERATOR and token.value in grammar.UNARY:
            self._advance()
            operand = self.expression(grammar.UNARY[token.value])
            return self._postfix(nodes.Unary(token.value, operand, offset=token.offset))
        if self._at(Kind.BRACKET, "("):
            self._advance()
            inner = self.sequence()
            self._expect(Kind.BRACKET, ")")
            return self._postfix(inner)
        if self._predicates and self._at(Kind.OPERATOR, "#", "."):
            return self._postfix(self._pointer())
        if self._at(Kind.OPERATOR, "::"):
            self._advance()
            return self._postfix(self._call(self._expect(Kind.IDENTIFIER), ()))
        return self._secondary()

    def _pointer(self) -> nodes.Node:
        token, name = self.current, ""
        if token.value == "#":
            self._advance()
            if self._at(Kind.IDENTIFIER):
                name = self._advance().value
        return nodes.Pointer(name, offset=token.offset)

    def _secondary(self) -> nodes.Node:
        token = self.current
        if token.kind is Kind.IDENTIFIER:
            self._advance()
            if token.value in _WORDS:
                return nodes.Constant(_WORDS[token.value], offset=token.offset)
            if self._at(Kind.BRACKET, "("):
                return self._postfix(self._call(token, ()))
            return self._postfix(nodes.Identifier(token.value, offset=token.offset))
        if token.kind is Kind.NUMBER:
            self._advance()
            return nodes.Constant(self._number(token), offset=token.offset)
        if token.kind is Kind.STRING:
            self._advance()
            return self._postfix(nodes.Constant(token.value, offset=token.offset))
        if token.kind is Kind.BYTES:
            self._advance()
            return self._postfix(nodes.Constant(text.to_bytes(token.value), offset=token.offset))
        if self._at(Kind.BRACKET, "["):
            return self._postfix(self._array_literal())
        if self._at(Kind.BRACKET, "{"):
            return self._postfix(self._map_literal())
        raise self.unexpected()

    def _number(self, token: Token) -> int | float:
        digits = token.value.replace("_", "")
        try:
            if digits[:2].lower() in ("0x", "0o", "0b"):
                value = int(digits, 0)
            elif "." in digits or "e" in digits.lower():
                return numbers.parse_float(digits)
            else:
                value = int(digits)
        except ValueError as error:
            raise self.fault(token, f"invalid number {token}") from error
        if value > numbers.MAXIMUM:
            raise self.fault(token, f"{token} does not fit into 64 bits")
        return value

    def _array_literal(self) -> nodes.Node:
        token = self._advance()
        items: list[nodes.Node] = []
        while not self._at(Kind.BRACKET, "]"):
            if items:
                self._expect(Kind.OPERATOR, ",")
                if self._at(Kind.BRACKET, "]"):
                    break
            items.append(self.expression(0))
        self._advance()
        return nodes.Array(tuple(items), offset=token.offset)

    def _map_literal(self) -> nodes.Node:
        token = self._advance()
        pairs: list[tuple[nodes.Node, nodes.Node]] = []
        while not self._at(Kind.BRACKET, "}"):
            if pairs:
                self._expect(Kind.OPERATOR, ",")
                if self._at(Kind.BRACKET, "}"):
                    break
            key = self._map_key()
            self._expect(Kind.OPERATOR, ":")
            pairs.append((key, self.expression(0)))
        self._advance()
        return nodes.Map(tuple(pairs), offset=token.offset)

    def _map_key(self) -> nodes.Node:
        token = self.current
        if token.kind in (Kind.NUMBER, Kind.STRING, Kind.IDENTIFIER):
            self._advance()
            return nodes.Constant(token.value, offset=token.offset)
        if self._at(Kind.BRACKET, "("):
            return self.expression(0)
        raise self.fault(
            token, f"a map key must be a text, a number, a name or an expression in parentheses, not {token}"
        )

    def _call(self, name: Token, before: tuple[nodes.Node, ...]) -> nodes.Node:
        if name.value in grammar.PREDICATES:
            return self._predicate_call(name, before)
        arguments = before + self._arguments()
        if name.value in self._builtins:
            return nodes.Builtin(name.value, arguments, offset=name.offset)
        return nodes.Call(nodes.Identifier(name.value, offset=name.offset), arguments, offset=name.offset)

    def _predicate_call(self, name: Token, before: tuple[nodes.Node, ...]) -> nodes.Node:
        self._expect(Kind.BRACKET, "(")
        arguments = list(before)
        expected = grammar.PREDICATES[name.value][len(before) :]
        for position, form in enumerate(expected):
            if self._at(Kind.BRACKET, ")"):
                if form.isupper():
                    break
                wanted = len(grammar.PREDICATES[name.value].rstrip("EP"))
                raise self.fault(self.current, f"{name.value} takes at least {wanted} arguments")
            if position:
                self._expect(Kind.OPERATOR, ",")
            arguments.append(self.expression(0) if form in "eE" else self._predicate())
        if self._at(Kind.OPERATOR, ","):
            self._advance()
        self._expect(Kind.BRACKET, ")")
        return nodes.Builtin(name.value, tuple(arguments), offset=name.offset)

    def _predicate(self) -> nodes.Node:
        token = self.current
        self._predicates += 1
        if self._at(Kind.BRACKET, "{"):
            body = self._block()
        else:
            body = self.expression(0)
            if self._at(Kind.OPERATOR, ";"):
                raise self.fault(self.current, "wrap the predicate in braces { and }")
        self._predicates -= 1
        return nodes.Predicate(body, offset=token.offset)

    def _arguments(self) -> tuple[nodes.Node, ...]:
        self._expect(Kind.BRACKET, "(")
        arguments: list[nodes.Node] = []
        while not self._at(Kind.BRACKET, ")"):
            if arguments:
                self._expect(Kind.OPERATOR, ",")
                if self._at(Kind.BRACKET, ")"):
                    break
            arguments.append(self.expression(0))
        self._advance()
        return tuple(arguments)

    def _postfix(self, node: nodes.Node) -> nodes.Node:
        while True:
            if self._at(Kind.OPERATOR, ".", "?."):
                optional = self._advance().value == "?."
                indexed = optional and self._at(Kind.BRACKET, "[")
                node = self._index_or_slice(node, True) if indexed else self._member(node, optional)
            elif self._at(Kind.BRACKET, "["):
                node = self._index_or_slice(node, False)
            else:
                return node

    def _member(self, base: nodes.Node, optional: bool) -> nodes.Node:
        token = self.current
        if token.kind is not Kind.IDENTIFIER and not (token.kind is Kind.OPERATOR and token.value.isidentifier()):
            raise self.fault(token, f"expected a name, not {token}")
        self._advance()
        chained = isinstance(base, nodes.Chain)
        inner = base.body if isinstance(base, nodes.Chain) else base
        key = nodes.Constant(token.value, offset=token.offset)
        called = self._at(Kind.BRACKET, "(")
        node: nodes.Node = nodes.Member(inner, key, optional, called, offset=token.offset)
        if called:
            node = nodes.Call(node, self._arguments(), offset=token.offset)
        return nodes.Chain(node, offset=token.offset) if chained or optional else node

    def _index_or_slice(self, base: nodes.Node, optional: bool) -> nodes.Node:
        token = self._advance()
        start = None if self._at(Kind.OPERATOR, ":") else self.expression(0)
        if self._at(Kind.OPERATOR, ":"):
            self._advance()
            stop = None if self._at(Kind.BRACKET, "]") else self.expression(0)
            node: nodes.Node = nodes.Slice(base, start, stop, offset=token.offset)
        else:
            node = nodes.Member(base, start or nodes.Constant(None, offset=token.offset), optional, offset=token.offset)
            if optional:
                node = nodes.Chain(node, offset=token.offset)
        self._expect(Kind.BRACKET, "]")
        return node


_WORDS: dict[str, bool | None] = {"true": True, "false": False, "nil": None}
