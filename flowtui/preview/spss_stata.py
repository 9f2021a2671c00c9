"""Datasets of SPSS (sav, zsav, por) and Stata (dta): which files they are; they are read in a worker."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flowtui.errors import PreviewError
from flowtui.preview import spss, stata
from flowtui.preview.result import Preview

if TYPE_CHECKING:
    from flowtui.preview.subject import Subject

_ENCRYPTED = b"ENCRYPTED"
_OLD_STATA = (b"\x69", b"\x6c", b"\x6e", b"\x6f", b"\x71", b"\x72", b"\x73")
"""First bytes of Stata's versions before 13: the number of the format."""

_READERS = {"sav": spss.sav, "por": spss.por, "dta": stata.dta}


def accepts(subject: Subject) -> bool:
    """Files that begin like a dataset of SPSS or Stata; those of Stata before version 13 by their name."""
    sniffed = subject.sniffed
    if sniffed.magic:
        return sniffed.magic in _READERS
    is_old = sniffed.is_any("dta") and subject.head[:1] in _OLD_STATA
    return is_old or (sniffed.is_any("sav", "zsav") and subject.head.startswith(_ENCRYPTED))


async def show(subject: Subject) -> Preview:
    if subject.head.startswith(_ENCRYPTED):
        raise PreviewError("an encrypted SPSS dataset: it can be read with its password only")
    return await subject.workers.show(_READERS.get(subject.sniffed.magic, stata.dta), subject)
