"""Settings: flags > environment > flowtui's file > Flyte's own configuration."""

from flowtui.config.access import AuthSettings, TransportSettings
from flowtui.config.settings import DEFAULT_DOMAIN, LOCAL_PROJECT, Settings, load_settings

__all__ = ["DEFAULT_DOMAIN", "LOCAL_PROJECT", "AuthSettings", "Settings", "TransportSettings", "load_settings"]
