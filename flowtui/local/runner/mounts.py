"""A folder that one process and its children see as ``/workflow``, and nobody else.

Linux only: a private mount namespace, as root or in a user namespace. Where ``/workflow`` is a folder of the machine it
is covered; where it is not, the process gets a root of its own that has everything the machine's root has, and
``/workflow`` too. Nothing is created on the machine but an empty folder next to the given one, and all mounts end with
the process. The module uses the standard library only.
"""

from __future__ import annotations

import ctypes
import os
import stat
import sys
from pathlib import Path

TARGET = Path("/workflow")

_CLONE_NEWNS = 0x00020000
_CLONE_NEWUSER = 0x10000000
_MS_RDONLY = 1
_MS_REMOUNT = 32
_MS_BIND = 4096
_MS_REC = 16384
_MS_SLAVE = 1 << 19
_MNT_DETACH = 2


class MountError(OSError):
    """The kernel, or what the container allows, does not let this process have its own mounts."""


def _call(name: str, *arguments: object) -> None:
    library = ctypes.CDLL(None, use_errno=True)
    if getattr(library, name)(*arguments) != 0:
        number = ctypes.get_errno()
        raise MountError(number, f"{name}: {os.strerror(number)}")


def _mount(source: str, target: str, kind: str, flags: int, data: str = "") -> None:
    encoded = [text.encode() if text else None for text in (source, target, kind)]
    _call("mount", *encoded, ctypes.c_ulong(flags), data.encode() if data else None)


def _unshare(user_namespace: bool) -> None:
    uid, gid = os.getuid(), os.getgid()
    _call("unshare", _CLONE_NEWNS | (_CLONE_NEWUSER if user_namespace else 0))
    if user_namespace:
        try:
            Path("/proc/self/setgroups").write_text("deny")
            Path("/proc/self/uid_map").write_text(f"{uid} {uid} 1")
            Path("/proc/self/gid_map").write_text(f"{gid} {gid} 1")
        except OSError as error:
            raise MountError(error.errno, f"user namespace: {error.strerror}") from error


def mount_workflow(folder: Path, *, user_namespace: bool | None = None) -> None:
    """Show ``folder`` as ``/workflow`` to this process and its children.

    The process must have one thread. When this fails the process may be left in a namespace of its own, without harm.

    Args:
        folder: absolute.
        user_namespace: use one; by default where the process is not root, or root may not mount.

    Raises:
        MountError: that is not possible here; the message says why.
    """
    if not sys.platform.startswith("linux"):
        raise MountError(0, f"{sys.platform} has no private mounts")
    if user_namespace is None and os.geteuid() == 0:
        try:
            _unshare(False)
        except MountError:
            _unshare(True)
    else:
        _unshare(user_namespace is not False)
    # What is mounted here from now on must not show elsewhere.
    _mount("", "/", "", _MS_REC | _MS_SLAVE)
    if TARGET.is_dir() and not TARGET.is_symlink():
        _mount(str(folder), str(TARGET), "", _MS_BIND | _MS_REC)
        return
    _new_root(folder)


def _new_root(folder: Path) -> None:
    working_folder = os.getcwd()
    root = folder.with_name(f"{folder.name}-root")
    root.mkdir(exist_ok=True)
    _mount("tmpfs", str(root), "tmpfs", 0, "mode=755,size=1m")
    for entry in os.scandir("/"):
        target = root / entry.name
        if entry.name == TARGET.name:
            continue
        if entry.is_symlink():
            target.symlink_to(os.readlink(entry.path))
        elif entry.is_dir(follow_symlinks=False):
            target.mkdir()
            _mount(entry.path, str(target), "", _MS_BIND | _MS_REC)
        elif stat.S_ISREG(entry.stat(follow_symlinks=False).st_mode):
            target.touch()
            _mount(entry.path, str(target), "", _MS_BIND)
    inside = root / TARGET.name
    inside.mkdir()
    _mount(str(folder), str(inside), "", _MS_BIND | _MS_REC)
    os.chdir(root)
    # pivot_root(".", ".") puts the old root below the new one; detaching it leaves the new one.
    _call("pivot_root", b".", b".")
    _call("umount2", b".", _MNT_DETACH)
    # A file written next to the machine's folders would vanish with the process: refuse it instead.
    _mount("", "/", "", _MS_REMOUNT | _MS_BIND | _MS_RDONLY)
    os.chdir(working_folder)
