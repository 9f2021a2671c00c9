"""Frozen models and pure functions: execution, node, artifact, lineage. Imports no other room."""
