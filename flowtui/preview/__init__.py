"""Sniff, registry, and one module per family of formats; returns neutral results."""
