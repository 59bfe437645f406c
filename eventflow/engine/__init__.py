"""Workflows at work: a pure core and a thin shell."""
