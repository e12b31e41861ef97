# Generated from wit/ by plugin-sdk/codegen (npm run build:bindings); edits here are lost.
"""Lines in the host's log. The host stamps plugin, trace and time; a plugin cannot set them."""

from __future__ import annotations

from enum import Enum

from ._turn import asking

__all__ = ["Level", "write"]


class Level(Enum):
    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


def write(level: Level, message: str) -> None:
    """Writes one line. Control characters are escaped; a line above 8,192 characters is cut and says so."""
    return asking("log.write", ((Level, level), ("string", message)), None)
