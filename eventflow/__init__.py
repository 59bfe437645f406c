"""eventflow turns events into workflows: Argo manifests, durable events, no cluster needed."""
