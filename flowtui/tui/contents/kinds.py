"""Which content shows a preview."""

from __future__ import annotations

from flowtui.preview.result import Preview
from flowtui.tui.contents.content import Content
from flowtui.tui.contents.table import TableContent
from flowtui.tui.contents.text import HexContent, MarkedContent, TextContent
from flowtui.tui.contents.tree import TreeContent
from flowtui.tui.formatting import UNICODE, Mark, Signs


def content_of(preview: Preview, signs: Signs = UNICODE) -> Content:
    """The lines of a preview, without its picture."""
    if preview.kind == "table":
        return TableContent(preview, signs)
    if preview.kind == "tree" and preview.tree is not None:
        return TreeContent(preview.tree, signs)
    if preview.kind == "hex":
        try:
            return HexContent(preview.lines)
        except ValueError:
            # Another previewer's dump may be laid out otherwise.
            return TextContent(preview.lines)
    if preview.kind == "image" and not preview.lines:
        return MarkedContent([(Mark(f"{name}  ", "dim"), Mark(value)) for name, value in preview.facts])
    return TextContent(preview.lines, preview.language)
