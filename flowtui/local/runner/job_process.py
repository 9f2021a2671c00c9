"""What runs inside the process of a Domino job: its own ``/workflow``, then its command.

The standard library only, and one thread: the kernel gives a new user namespace to such a process alone.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

from flowtui.local.runner import mounts

_INTERPRETERS = {".py": "python", ".sh": "bash"}
_ASKS = re.compile(r"(?<![\w.])/workflow(?=/|\b)")


def full_command(command: str) -> str:
    """The command with an interpreter in front where it begins with a file that has none."""
    interpreter = _INTERPRETERS.get(Path(_first_word(command)).suffix)
    return f"{interpreter} {command.lstrip()}" if interpreter else command


def _first_word(command: str) -> str:
    lexer = shlex.shlex(command, posix=True)
    lexer.whitespace_split = True
    lexer.commenters = ""
    try:
        return lexer.get_token() or ""
    except ValueError:  # an unclosed quotation mark, which the shell tells better
        return ""


def asks_for_workflow(command: str, folder: Path) -> bool:
    """Whether a command, or a script that it names in the folder, has the path ``/workflow`` in it."""
    if _ASKS.search(command):
        return True
    try:
        words = shlex.split(command)
    except ValueError:
        return False
    for word in words:
        script = folder / word
        if script.suffix in (".py", ".sh", ".R", ".r") and script.is_file() and script.stat().st_size < 1 << 20:
            text = script.read_text("utf-8", "replace")
            if "FLOWTUI_WORKFLOW_DIR" not in text and _ASKS.search(text):
                return True
    return False


def execute(request: dict[str, Any]) -> int:
    """Run a job's command.

    The request has ``command``, ``folder`` (with ``inputs`` and ``outputs``), ``mount`` (False: do not try) and
    ``answer``, a file that gets ``{"mounted", "reason", "refused"}`` before the command starts.

    Returns:
        The exit code of the command, 0 where it was refused.
    """
    folder, answer = Path(request["folder"]), Path(request["answer"])
    reason = "" if request["mount"] else "mounting is switched off"
    if request["mount"]:
        try:
            mounts.mount_workflow(folder)
        except OSError as error:
            reason = str(error.strerror or error)
    mounted = not reason
    refused = not mounted and asks_for_workflow(request["command"], Path.cwd())
    answer.write_text(json.dumps({"mounted": mounted, "reason": reason, "refused": refused}), "utf-8")
    if refused:
        return 0
    environment = dict(os.environ)
    environment["FLOWTUI_WORKFLOW_DIR"] = str(mounts.TARGET if mounted else folder)
    environment["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), environment.get("PATH", os.defpath)])
    shell = "/bin/bash" if Path("/bin/bash").exists() else "/bin/sh"
    status = subprocess.run([shell, "-c", full_command(request["command"])], env=environment, check=False).returncode
    return status if status >= 0 else 128 - status
