"""Exports that are carried out next to the data: by a job of Domino, or an execution on Flyte."""

from flowtui.exports.roads.base import RemoteState, RemoteWork, Road
from flowtui.exports.roads.domino_job import DominoJobRoad
from flowtui.exports.roads.flyte_execution import FlyteRoad

__all__ = ["DominoJobRoad", "FlyteRoad", "RemoteState", "RemoteWork", "Road"]
