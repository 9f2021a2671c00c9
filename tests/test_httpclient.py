"""httpx comes without rich and click, and still works."""

from __future__ import annotations

import subprocess
import sys


def in_fresh_process(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def test_neither_rich_nor_click_is_loaded() -> None:
    code = (
        "import sys; from flowtui.httpclient import httpx;"
        "loaded = {m.split('.')[0] for m in sys.modules};"
        "print(sorted(loaded & {'rich', 'click', 'pygments'}), 'httpx._main' in sys.modules)"
    )
    assert in_fresh_process(code) == "[] False"


def test_the_client_works_and_the_command_line_can_be_imported_later() -> None:
    code = (
        "from flowtui.httpclient import httpx;"
        "c = httpx.Client(transport=httpx.MockTransport(lambda r: httpx.Response(204)));"
        "print(c.get('http://h/').status_code); import httpx._main; print(callable(httpx._main.main))"
    )
    assert in_fresh_process(code).split() == ["204", "True"]


def test_an_httpx_that_is_there_already_is_used() -> None:
    code = "import httpx; from flowtui.httpclient import httpx as ours; print(ours is httpx)"
    assert in_fresh_process(code) == "True"
