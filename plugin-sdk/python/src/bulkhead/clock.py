# Generated from wit/ by plugin-sdk/codegen (npm run build:bindings); edits here are lost.

from wit_world.imports import clock as _host

__all__ = ["now", "monotonic"]


def now() -> int:
    """Milliseconds since 1970-01-01T00:00:00Z."""
    return _host.now()


def monotonic() -> int:
    """Nanoseconds since an arbitrary moment; never goes back."""
    return _host.monotonic()
