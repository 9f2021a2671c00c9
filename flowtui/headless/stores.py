"""Which road the bytes of files take, for ``flowtui doctor``."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING

from flowtui.text import plain

if TYPE_CHECKING:
    from flowtui.session import Session

_PROBES = {"s3": "s3://bucket/key", "gs": "gs://bucket/key", "abfs": "abfs://container/key"}
_LIBRARIES = {"s3": "s3fs", "gs": "gcsfs", "abfs": "adlfs"}


async def road(session: Session) -> str:
    """In one line: the stores that are read with credentials of this machine, and what is read otherwise. No request
    is sent, and no store's library is imported."""
    settings = session.settings.storage
    said = []
    for store, probe in _PROBES.items():
        if not session.storage.has_credentials(probe):
            continue
        place = f" ({plain(settings.endpoint)})" if store == "s3" and settings.endpoint else ""
        lacks = f", which needs {_LIBRARIES[store]}: pip install 'flowtui[stores]'"
        missing = "" if find_spec(_LIBRARIES[store]) else lacks
        said.append(f"{store}:// directly with credentials of this machine{place}{missing}")
    if session.settings.endpoint and said:
        said.append("by signed URLs where a store refuses or a bucket is not known as the server's")
    elif session.settings.endpoint:
        said.append("by signed URLs of the server")
    return "; ".join([_of_this_machine(session), *said])


def _of_this_machine(session: Session) -> str:
    """Which files of this machine are read for a run."""
    named = ", ".join(plain(folder) for folder in session.settings.storage.local)
    if session.settings.endpoint is None:
        return f"files of runs of this machine, and below {named}" if named else "files of runs of this machine"
    return f"of this machine files below {named}" if named else "no files of this machine"
