"""Tests of eventflow/expressions."""
