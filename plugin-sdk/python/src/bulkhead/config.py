# Generated from wit/ by plugin-sdk/codegen (npm run build:bindings); edits here are lost.
"""What the operator configured for this plugin."""

from wit_world.imports import config as _host

from ._error import asking

__all__ = ["get"]


def get(key: str) -> str | None:
    """The value of one key: a string as it is, anything else as JSON text; none when it is not configured."""
    with asking():
        return _host.get(key)
