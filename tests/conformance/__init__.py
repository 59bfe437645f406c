"""Conformance to the peers: what the real Argo Workflows and Argo Events did, as data."""
