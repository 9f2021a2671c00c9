"""The screen: app, screens, widgets, one stylesheet."""
