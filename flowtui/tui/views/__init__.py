"""What the tabs of a run show."""
