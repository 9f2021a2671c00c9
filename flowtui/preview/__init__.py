"""Sniff, registry, and one module per family of formats; returns neutral results.

Nothing is imported here: worker processes load what they need of this package and no more.
"""
