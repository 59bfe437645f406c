"""Tests of the performers."""
