"""Find and read the layers of a model."""
