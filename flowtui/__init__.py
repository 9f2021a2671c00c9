"""The terminal browser for Flyte runs and their Domino Flow Artifacts."""

__version__ = "0.1.0"
