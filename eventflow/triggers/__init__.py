"""Triggers: what a firing does."""
