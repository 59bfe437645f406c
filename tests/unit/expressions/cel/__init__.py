"""Tests of eventflow/expressions/cel."""
