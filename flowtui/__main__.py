"""``python -m flowtui`` is the ``flowtui`` command."""

import sys

from flowtui.cli import main

if __name__ == "__main__":
    sys.exit(main())
