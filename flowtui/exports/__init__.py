"""Plan, transfer, verify and record an export; one module per target."""

from flowtui.exports.log import ExportLog, ExportRecord
from flowtui.exports.plan import IfExists, Plan, PlannedFile, make_plan
from flowtui.exports.targets import Target, parse_target
from flowtui.exports.transfer import Outcome, run

__all__ = [
    "ExportLog",
    "ExportRecord",
    "IfExists",
    "Outcome",
    "Plan",
    "PlannedFile",
    "Target",
    "make_plan",
    "parse_target",
    "run",
]
