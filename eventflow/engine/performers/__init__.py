"""Leaf templates that the engine's shell performs itself: HTTP requests, changes of objects, lists of artifacts."""
