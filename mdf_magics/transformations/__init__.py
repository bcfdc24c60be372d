"""Transformations: parameters, SQL rendering, Python functions, lineage."""
