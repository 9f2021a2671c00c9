"""The answers of the screen as tables or JSON, for scripts."""
