"""The two themes of flowtui: grey, one accent, and the three colours of phases."""

from __future__ import annotations

from textual.theme import Theme

DARK = Theme(
    name="flowtui",
    primary="#79b8c9",
    secondary="#79b8c9",
    accent="#79b8c9",
    foreground="#d3d7de",
    background="#13161b",
    surface="#1a1e25",
    panel="#20252d",
    success="#8dbb7d",
    warning="#dcb567",
    error="#e0837c",
    dark=True,
    variables={
        "dim": "#7f8894",
        "wait": "#a9b0ba",
        "line": "#2f353f",
        "cursor": "#243a44",
        "cursor-blurred": "#1e2229",
        "found": "#4a4125",
        "found-text": "#f0e6c8",
        "found-here": "#dcb567",
        "found-here-text": "#13161b",
        "input-cursor-background": "#79b8c9",
        "input-selection-background": "#79b8c9 30%",
    },
)
LIGHT = Theme(
    name="flowtui-light",
    primary="#17697d",
    secondary="#17697d",
    accent="#17697d",
    foreground="#22262b",
    background="#fbfbfa",
    surface="#f1f1ef",
    panel="#e7e7e4",
    success="#3a7a2a",
    warning="#946300",
    error="#b3352c",
    dark=False,
    variables={
        "dim": "#6d747c",
        "wait": "#4f565e",
        "line": "#d4d4cf",
        "cursor": "#d5e6ea",
        "cursor-blurred": "#ececea",
        "found": "#f2e3b3",
        "found-text": "#22262b",
        "found-here": "#946300",
        "found-here-text": "#fbfbfa",
        "input-cursor-background": "#17697d",
        "input-selection-background": "#17697d 30%",
    },
)

DEFAULTS = {
    "dim": "ansi_bright_black", "wait": "ansi_bright_black", "line": "ansi_bright_black", "cursor": "ansi_blue",
    "cursor-blurred": "ansi_black", "found": "ansi_yellow", "found-text": "ansi_black",
    "found-here": "ansi_bright_yellow", "found-here-text": "ansi_black",
}  # fmt: skip
"""The variables of the stylesheet in themes that are not flowtui's own, such as ``ansi-dark``."""
