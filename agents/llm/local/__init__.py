"""Models in this process, without network."""
