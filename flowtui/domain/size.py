"""Sizes in words."""

from __future__ import annotations


def human_size(size: int | None) -> str:
    """Bytes as a person says them, in powers of 1,000: ``812 B``, ``88 KB``, ``1.2 MB``; empty for None."""
    if size is None:
        return ""
    if size < 1000:
        return f"{size} B"
    value = float(size)
    for unit in ("KB", "MB", "GB", "TB"):
        value /= 1000
        if value < 999.95 or unit == "TB":
            break
    return f"{value:,.0f} {unit}" if unit == "KB" and value >= 10 else f"{value:,.1f} {unit}"
