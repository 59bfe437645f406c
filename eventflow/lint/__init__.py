"""Everything that can be said about manifests with no server: what would fail, what would surprise, and where."""
