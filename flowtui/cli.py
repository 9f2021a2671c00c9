"""argv to a command or the screen.

Nothing heavy is imported at module level. Data goes to stdout, everything else to stderr; where a command fails, stdout
stays empty. This is the outermost door: what a command raises ends here, and the person sees what happened.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from flowtui.errors import FlowtuiError
from flowtui.text import plain_block

if TYPE_CHECKING:
    from flowtui.parser import Arguments

INTERRUPTED = 130
"""Exit code after Ctrl+C."""


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command.

    Args:
        argv: the words behind ``flowtui``; by default those of the process.

    Returns:
        The exit code: 0, 1 failed, 2 usage, 3 not found, 4 not logged in, 130 interrupted.
    """
    words = list(sys.argv[1:] if argv is None else argv)
    as_json = "--json" in words
    try:
        code = _dispatch(words)
        sys.stdout.flush()
        return code
    except FlowtuiError as error:
        _show_error(error, as_json)
        return error.exit_code
    except KeyboardInterrupt:
        _complain("interrupted", "Interrupted.", "", as_json)
        return INTERRUPTED
    except BrokenPipeError:
        # The reader of the pipe has seen enough; the interpreter must not complain about it at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as error:  # noqa: BLE001
        return _show_defect(error, as_json)


def _dispatch(words: list[str]) -> int:
    from flowtui import parser

    arguments = parser.parse(words)
    if arguments.options.version:
        from flowtui import __version__

        sys.stdout.write(f"flowtui {__version__}\n")
        return 0
    if arguments.command == "help":
        sys.stdout.write(arguments.options.text + "\n")
        return 0
    return _command(arguments)


def _command(arguments: Arguments) -> int:
    raise FlowtuiError(f"`{arguments.command}` is not built yet.")


def _show_error(error: FlowtuiError, as_json: bool) -> None:
    _complain(error.kind, error.message, error.hint, as_json)


def _show_defect(error: Exception, as_json: bool) -> int:
    name = type(error).__name__
    if os.environ.get("FLOWTUI_DEBUG"):
        import traceback

        sys.stderr.write(plain_block("".join(traceback.format_exception(error))) + "\n")
        hint = "Please report it with the lines above and the output of `flowtui doctor`."
    else:
        hint = "This is a defect of flowtui. FLOWTUI_DEBUG=1 shows where; please report it with those lines."
    _complain("internal", f"{FlowtuiError.title}: {name}: {error}", hint, as_json)
    return 1


def _complain(kind: str, message: str, hint: str, as_json: bool) -> None:
    """Writes a failure to stderr: as one JSON object, or as lines with nothing foreign unsanitised."""
    if as_json:
        from flowtui.headless.json import dumps

        sys.stderr.write(dumps({"error": {"kind": kind, "message": message, "hint": hint}}))
        return
    lines = [f"flowtui: {message.removeprefix('flowtui: ')}"] + ([hint] if hint else [])
    sys.stderr.write(plain_block("\n".join(lines)) + "\n")
