"""Pods as sandboxed processes of this machine, held by a small supervisor that outlives the server."""
