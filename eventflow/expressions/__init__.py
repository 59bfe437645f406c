"""The expression languages of manifests: CEL for sensors, and what Argo evaluates in templates."""
