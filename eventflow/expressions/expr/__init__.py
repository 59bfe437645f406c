"""expr-lang (github.com/expr-lang/expr v1.17) as Argo v4.1.2 uses it: compiled once, evaluated as a pure function."""
