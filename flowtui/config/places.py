"""Where flowtui keeps its data, what it may lose, and its own configuration file."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path


def expanded(text: str) -> Path:
    """The path with ``~`` replaced; as it is where ``~name`` is nobody, since such a name may be one of a file."""
    return Path(os.path.expanduser(text))


def home_path(environ: Mapping[str, str] = os.environ) -> Path:
    """Where flowtui keeps its data: ``FLOWTUI_HOME``, else the user's data folder."""
    if environ.get("FLOWTUI_HOME"):
        return expanded(environ["FLOWTUI_HOME"]).absolute()
    import platformdirs

    return platformdirs.user_data_path("flowtui")


def cache_path(environ: Mapping[str, str] = os.environ) -> Path:
    """Where flowtui keeps what it may lose: ``cache`` in ``FLOWTUI_HOME``, else the user's cache folder."""
    if environ.get("FLOWTUI_HOME"):
        return home_path(environ) / "cache"
    import platformdirs

    return platformdirs.user_cache_path("flowtui")


def config_path(environ: Mapping[str, str] = os.environ) -> Path:
    """flowtui's own configuration file: ``FLOWTUI_CONFIG``, else ``config.toml`` in the user's configuration folder."""
    if environ.get("FLOWTUI_CONFIG"):
        return expanded(environ["FLOWTUI_CONFIG"]).absolute()
    import platformdirs

    return platformdirs.user_config_path("flowtui") / "config.toml"
