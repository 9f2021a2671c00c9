"""Where exports go; which kind of place a text such as that of ``--to`` names."""

from flowtui.exports.targets.base import Existing, Sink, Target
from flowtui.exports.targets.registry import parse_target

__all__ = ["Existing", "Sink", "Target", "parse_target"]
