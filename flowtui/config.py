"""Settings: flags, then ``FLOWTUI_*``, then flowtui's own file, then Flyte's ``config.yaml``."""
