"""Where exports go; which kind of place a text such as that of ``--to`` names."""

from flowtui.exports.targets.base import (
    Existing,
    IfExists,
    Notes,
    Publication,
    Sink,
    Stage,
    StagedFile,
    StageRequest,
    Target,
    TargetAccess,
    TargetOptions,
)
from flowtui.exports.targets.registry import parse_target

__all__ = [
    "Existing",
    "IfExists",
    "Notes",
    "Publication",
    "Sink",
    "Stage",
    "StageRequest",
    "StagedFile",
    "Target",
    "TargetAccess",
    "TargetOptions",
    "parse_target",
]
