"""How tightly operators bind, and what builtins with a predicate take (expr-lang v1.17 parser/operator)."""

UNARY = {"not": 50, "!": 50, "-": 90, "+": 90}
BINARY = {
    "|": 0,
    "or": 10,
    "||": 10,
    "and": 15,
    "&&": 15,
    "==": 20,
    "!=": 20,
    "<": 20,
    ">": 20,
    ">=": 20,
    "<=": 20,
    "in": 20,
    "matches": 20,
    "contains": 20,
    "startsWith": 20,
    "endsWith": 20,
    "..": 25,
    "+": 30,
    "-": 30,
    "*": 60,
    "/": 60,
    "%": 60,
    "**": 100,
    "^": 100,
    "??": 500,
}
RIGHT_ASSOCIATIVE = ("**", "^")
COMPARISONS = ("<", ">", ">=", "<=")
NEGATABLE = ("contains", "matches", "startsWith", "endsWith", "in")

# What each builtin with a predicate takes: e = expression, p = predicate, capital = may be left out.
PREDICATES = {
    "all": "ep",
    "none": "ep",
    "any": "ep",
    "one": "ep",
    "filter": "ep",
    "map": "ep",
    "count": "eP",
    "sum": "eP",
    "find": "ep",
    "findIndex": "ep",
    "findLast": "ep",
    "findLastIndex": "ep",
    "groupBy": "ep",
    "sortBy": "epE",
    "reduce": "epE",
}
