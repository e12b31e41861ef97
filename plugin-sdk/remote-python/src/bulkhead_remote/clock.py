# Generated from wit/ by plugin-sdk/codegen (npm run build:bindings); edits here are lost.

from __future__ import annotations

from ._turn import asking

__all__ = ["now", "monotonic"]


def now() -> int:
    """Milliseconds since 1970-01-01T00:00:00Z."""
    return asking("clock.now", (), "plain")


def monotonic() -> int:
    """Nanoseconds since an arbitrary moment; never goes back."""
    return asking("clock.monotonic", (), "plain")
