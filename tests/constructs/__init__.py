"""Runs with every construct of Flyte: recorded of a real one, else reported to the embedded Admin."""

from tests.constructs.construct import Construct
from tests.constructs.launched import LAUNCHED
from tests.constructs.nested import NESTED
from tests.constructs.recorded import RECORDED
from tests.constructs.stored import STORED

CONSTRUCTS: dict[str, Construct] = {**NESTED, **LAUNCHED, **STORED}

__all__ = ["CONSTRUCTS", "RECORDED", "Construct"]
