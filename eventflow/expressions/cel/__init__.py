"""CEL over plain decoded JSON: cel-python's grammar in front, one generated Python function behind. See engine.py."""
