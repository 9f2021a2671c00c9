"""What went wrong, on stderr: as lines, or as one JSON object. Nothing foreign is written as it came."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping

from flowtui.errors import FlowtuiError


def show_error(error: FlowtuiError, as_json: bool) -> None:
    report = getattr(error, "report", "")
    if report and not as_json:
        sys.stderr.write(report)
    complain(error.kind, error.message, error.hint, as_json, getattr(error, "details", {}))


def show_defect(error: Exception, as_json: bool) -> int:
    name = type(error).__name__
    if os.environ.get("FLOWTUI_DEBUG"):
        import traceback

        from flowtui.text import plain_block

        sys.stderr.write(plain_block("".join(traceback.format_exception(error))) + "\n")
        hint = "Please report it with the lines above and the output of `flowtui doctor`."
    else:
        hint = "This is a defect of flowtui. FLOWTUI_DEBUG=1 shows where; please report it with those lines."
    complain("internal", f"{FlowtuiError.title}: {name}: {error}", hint, as_json)
    return 1


def complain(kind: str, message: str, hint: str, as_json: bool, details: Mapping[str, object] | None = None) -> None:
    """Writes a failure to stderr: as one JSON object, or as lines with nothing foreign unsanitised."""
    if as_json:
        from flowtui.headless.json import dumps

        sys.stderr.write(dumps({"error": {"kind": kind, "message": message, "hint": hint, **(details or {})}}))
        return
    from flowtui.text import plain_block

    lines = [f"flowtui: {message.removeprefix('flowtui: ')}"] + ([hint] if hint else [])
    sys.stderr.write(plain_block("\n".join(lines)) + "\n")
