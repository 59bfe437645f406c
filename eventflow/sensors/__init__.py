"""Sensors: which events matter, and what they start."""
