"""Plan, transfer, verify and record an export; one module per target."""
