"""The function library: one module a subject, gathered in library.py."""
