"""Runs with every construct that Flyte has and no recording shows, recorded in the embedded Admin."""

from tests.constructs.construct import Construct
from tests.constructs.launched import LAUNCHED
from tests.constructs.nested import NESTED
from tests.constructs.stored import STORED

CONSTRUCTS: dict[str, Construct] = {**NESTED, **LAUNCHED, **STORED}
