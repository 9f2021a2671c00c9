"""Settings: flags > environment > flowtui's file > Flyte's own configuration."""

from flowtui.config.access import AuthSettings, DominoSettings, StorageSettings, TransportSettings
from flowtui.config.contexts import ContextEntry, list_contexts, switched_settings
from flowtui.config.settings import DEFAULT_DOMAIN, LOCAL_PROJECT, Settings, load_settings, read_origins

__all__ = [
    "DEFAULT_DOMAIN",
    "LOCAL_PROJECT",
    "AuthSettings",
    "ContextEntry",
    "DominoSettings",
    "Settings",
    "StorageSettings",
    "TransportSettings",
    "list_contexts",
    "load_settings",
    "read_origins",
    "switched_settings",
]
