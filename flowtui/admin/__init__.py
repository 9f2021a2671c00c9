"""Flyte Admin over httpx: transport, wire (protobuf), paging, errors."""

from flowtui.admin.client import AdminClient
from flowtui.admin.failures import BadRequestError, ConflictError, TooLargeError

__all__ = ["AdminClient", "BadRequestError", "ConflictError", "TooLargeError"]
