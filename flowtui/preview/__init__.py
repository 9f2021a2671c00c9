"""Sniff, registry, and one module per family of formats; returns neutral results."""

from flowtui.preview.limits import Limits
from flowtui.preview.registry import preview
from flowtui.preview.result import Cell, Column, Preview, TreeNode

__all__ = ["Cell", "Column", "Limits", "Preview", "TreeNode", "preview"]
