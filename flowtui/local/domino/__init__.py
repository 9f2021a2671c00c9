"""The embedded Domino: datasets, snapshots, uploads, projects and jobs of one home, as Domino's REST API has them."""

from flowtui.local.domino.app import create_domino_app
from flowtui.local.domino.faults import Fault, Faults
from flowtui.local.domino.users import LOCAL_USER, User

__all__ = ["LOCAL_USER", "Fault", "Faults", "User", "create_domino_app"]
