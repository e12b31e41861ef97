# Generated from wit/ by plugin-sdk/codegen (npm run build:bindings); edits here are lost.
"""Lines in the host's log. The host stamps plugin, trace and time; a plugin cannot set them."""

from wit_world.imports import log as _host
from wit_world.imports.log import Level

from ._error import asking

__all__ = ["Level", "write"]


def write(level: Level, message: str) -> None:
    """Writes one line. Control characters are escaped; a line above 8,192 characters is cut and says so."""
    with asking():
        return _host.write(level, message)
