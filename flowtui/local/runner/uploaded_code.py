"""Code that ``pyflyte register`` and ``pyflyte run --remote`` upload with their tasks, unpacked to be run here.

flytekit puts an archive's URI into the arguments of every container, behind ``pyflyte-fast-execute
--additional-distribution`` (flytekit, ``prefix_with_fast_execute``); on a cluster the container fetches it.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import secrets
import shutil
import tarfile
import zlib
from collections.abc import Iterable
from pathlib import Path

from flyteidl.core import identifier_pb2

from flowtui.admin.client import AdminClient
from flowtui.domain.execution import EntityId
from flowtui.errors import NotFoundError, StorageError
from flowtui.local.home import Home
from flowtui.local.runner.flow_file import FlowFile

FAST_EXECUTE = "pyflyte-fast-execute"
MAX_BYTES = 2 * 2**30
"""Of one archive, unpacked."""
MAX_FILES = 100_000
_ARCHIVE = "--additional-distribution"
_SINGLE_TASK = ".flytegen."


def archive_of(arguments: Iterable[str]) -> str:
    """The URI of the code that a container's arguments name; empty where they name none."""
    own = list(arguments)
    if own[:1] != [FAST_EXECUTE]:
        return ""
    own = own[: own.index("--")] if "--" in own else own
    place = own.index(_ARCHIVE) + 1 if _ARCHIVE in own else len(own)
    return own[place] if place < len(own) else ""


def unpacked(home: Home, uri: str) -> Path:
    """The folder with the files of an archive, unpacked at the first time.

    Raises:
        NotFoundError: it is not in this home.
        StorageError: it is no archive, too large, or leads out of its folder.
    """
    path = home.resolve(uri)
    if path is None or not path.is_file():
        raise NotFoundError(f"The uploaded code is not on this machine: {uri}", "Register the flow again.")
    facts = path.stat()
    digest = hashlib.sha256(f"{path} {facts.st_size} {facts.st_mtime_ns}".encode()).hexdigest()
    folder = home.path / "sources" / f"upload-{digest[:32]}"
    if folder.is_dir():
        return folder
    scratch = folder.with_name(f".{secrets.token_hex(8)}")
    scratch.mkdir(parents=True)
    try:
        _unpack(path, scratch)
        # Another process may have been first with the same files.
        if not folder.is_dir():
            os.replace(scratch, folder)
    except (tarfile.TarError, OSError, EOFError, zlib.error) as error:
        raise StorageError(
            f"The uploaded code cannot be unpacked: {error}: {uri}", "Register the flow again."
        ) from error
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return folder


def _unpack(path: Path, folder: Path) -> None:
    """Extract an archive: no path or link leads out of the folder, and no device, owner or odd mode is made.

    Raises:
        tarfile.TarError: it is none, too large, or leads out.
    """
    if not hasattr(tarfile, "data_filter"):
        raise tarfile.TarError("this Python cannot do it safely; 3.10.12, 3.11.4 and newer ones can")
    size = files = 0
    with tarfile.open(path, "r:*") as archive:
        for member in archive:
            size, files = size + member.size, files + 1
            if size > MAX_BYTES or files > MAX_FILES:
                raise tarfile.TarError(f"it holds more than {MAX_BYTES // 2**30} GiB or {MAX_FILES:,} files")
            archive.extract(member, folder, filter="data")


async def uploaded_flow(home: Home, client: AdminClient, workflow: identifier_pb2.Identifier) -> FlowFile | None:
    """The flow file of a workflow whose tasks name uploaded code; None where none of them does.

    Raises:
        NotFoundError: the workflow or its code is gone.
        StorageError: the code cannot be unpacked.
    """
    found = await client.get_workflow(EntityId(workflow.project, workflow.domain, workflow.name, workflow.version))
    tasks = found.closure.compiled_workflow.tasks
    uri = next(filter(None, (archive_of(task.template.container.args) for task in tasks)), "")
    if not uri:
        return None
    root = await asyncio.to_thread(unpacked, home, uri)
    module = workflow.name.removeprefix(_SINGLE_TASK).rpartition(".")[0]
    path = root.joinpath(*module.split(".")).with_suffix(".py")
    return FlowFile(path, root, module, path.parent if path.is_file() else root)
