# Generated from wit/ by plugin-sdk/codegen (npm run build:bindings); edits here are lost.
"""What the operator configured for this plugin."""

from __future__ import annotations

from ._turn import asking

__all__ = ["get"]


def get(key: str) -> str | None:
    """The value of one key: a string as it is, anything else as JSON text; none when it is not configured."""
    return asking("config.get", (("string", key),), ("option", "string"))
