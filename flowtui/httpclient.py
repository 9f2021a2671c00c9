"""httpx without its command line.

``import httpx`` also imports ``httpx._main`` and with it rich, pygments and click where they are installed, which takes
about 100 ms and drags a terminal library into processes that print JSON. Everybody imports httpx from here:
``from flowtui.httpclient import httpx``.
"""

from __future__ import annotations

import sys

_COMMAND_LINE = "httpx._main"

# None in sys.modules makes the import of that one submodule fail; httpx takes that as "the extra is not installed".
_blocked = _COMMAND_LINE not in sys.modules and "httpx" not in sys.modules
if _blocked:
    sys.modules[_COMMAND_LINE] = None  # type: ignore[assignment]
try:
    import httpx
finally:
    if _blocked:
        del sys.modules[_COMMAND_LINE]

__all__ = ["httpx"]
