"""Plan, transfer, verify, publish and record an export; one module per target."""

from flowtui.exports.journal import Journal
from flowtui.exports.pace import Progress
from flowtui.exports.plan import Plan, PlannedFile, make_plan
from flowtui.exports.records import ExportRecord, ExportState
from flowtui.exports.source import Selection, SourceRun, source_run
from flowtui.exports.targets import IfExists, Target, TargetAccess, TargetOptions, parse_target
from flowtui.exports.transfer import Outcome, run
from flowtui.exports.transfers import Transfers

__all__ = [
    "ExportRecord",
    "ExportState",
    "IfExists",
    "Journal",
    "Outcome",
    "Plan",
    "PlannedFile",
    "Progress",
    "Selection",
    "SourceRun",
    "Target",
    "TargetAccess",
    "TargetOptions",
    "Transfers",
    "make_plan",
    "parse_target",
    "run",
    "source_run",
]
