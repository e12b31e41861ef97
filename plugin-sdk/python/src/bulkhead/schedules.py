# Generated from wit/ by plugin-sdk/codegen (npm run build:bindings); edits here are lost.
"""Turns at a time of day, or again and again. A plugin's schedules are its own, outlive the host and need no permission; its manifest can have some too."""

from wit_world.imports import schedules as _host
from wit_world.imports.schedules import Missed, Schedule, Planned

from ._error import asking

__all__ = ["Missed", "Schedule", "Planned", "set", "cancel", "upcoming"]


def set(schedule: Schedule) -> int:
    """Plans a schedule and answers its next time, in milliseconds since 1970. A turn is entered once at a time: what comes due meanwhile is the next time.

    Fails with invalid-message (a name, an entry point, a time that never comes), conflict (a name of the manifest), quota-exceeded (more than 100 schedules),
    storage-failed.
    """
    with asking():
        return _host.set(schedule)


def cancel(name: str) -> bool:
    """Ends a schedule and says whether there was one. Fails with conflict for one of the manifest."""
    with asking():
        return _host.cancel(name)


def upcoming() -> list[Planned]:
    """All of them, by name."""
    with asking():
        return _host.upcoming()
