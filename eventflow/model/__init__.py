"""What users write, and the types that travel between the layers."""
