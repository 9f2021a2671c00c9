"""The screen: a Textual app, its screens and widgets, one stylesheet."""
