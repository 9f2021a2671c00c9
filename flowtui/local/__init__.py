"""The embedded Flyte Admin, the local runner and the sample flows."""
