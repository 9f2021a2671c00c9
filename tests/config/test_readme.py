"""The example of the README is a configuration."""

from __future__ import annotations

from pathlib import Path

from flowtui.config import load_settings
from flowtui.config.checks import KEYS
from tests.config.conftest import write

README = Path(__file__).parents[2] / "README.md"


def test_the_example_of_the_readme_loads(environ: dict[str, str]) -> None:
    text = README.read_text(encoding="utf-8")
    connect = text.partition("## Connect to a cluster")[2]
    example = connect.partition("```toml\n")[2].partition("```")[0]
    write(environ, example)
    settings = load_settings({}, environ)
    assert (settings.endpoint, settings.auth.mode) == ("https://flyte.prod.example.com", "device")
    assert settings.transport.verify
    top = load_settings({"endpoint": "https://flyte.example.com/flows"}, environ)
    assert (top.auth.client_id, top.headers) == ("flowtui", {"X-Team": "biostat"})
    # Every key has its place in the example or in the words around it.
    told = text.partition("## Connect to a cluster")[2].partition("## Write a flow")[0]
    assert not [key for key in KEYS if key.rpartition(".")[2] not in told]
