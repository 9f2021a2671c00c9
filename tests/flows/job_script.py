"""The script of a job: it is named without an interpreter."""

import os
import sys
from pathlib import Path

folder = Path(os.environ.get("FLOWTUI_WORKFLOW_DIR", "/workflow"))
(folder / "outputs" / "told").write_text(f"{' '.join(sys.argv[1:])} in {Path.cwd().name}")
