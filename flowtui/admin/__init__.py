"""Flyte Admin over httpx: transport, wire (protobuf), paging, discovery."""
