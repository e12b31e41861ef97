# Generated from wit/ by plugin-sdk/codegen (npm run build:bindings); edits here are lost.
"""Turns at a time of day, or again and again. A plugin's schedules are its own, outlive the host and need no permission; its manifest can have some too."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from ._blocks import RECORDS
from ._turn import asking

__all__ = ["Missed", "Schedule", "Planned", "set", "cancel", "upcoming"]


class Missed(Enum):
    """What becomes of a time that passed while the plugin or the host did not run."""
    SKIP = "skip"
    ONCE = "once"


@dataclass(frozen=True)
class Schedule:
    name: str
    """1 to 64 lower-case letters, digits and hyphens. Setting a name anew replaces its schedule."""
    entry_point: str
    """The export that is entered, with the JSON object `{"name", "due", "late"}` as its input: the time in ISO 8601, and how many milliseconds ago it was."""
    cron: str | None
    """One of these three. A cron expression: five fields, or six with seconds first."""
    every_ms: int | None
    """Milliseconds from one time to the next, 1,000 or more."""
    at_ms: int | None
    """One moment, in milliseconds since 1970."""
    timezone: str | None
    """Of cron, such as `Europe/Berlin`; none is UTC."""
    missed: Missed


RECORDS[Schedule] = (("name", "name", "string"), ("entry-point", "entry_point", "string"), ("cron", "cron", ("option", "string")), ("every-ms", "every_ms", ("option", "plain")), ("at-ms", "at_ms", ("option", "plain")), ("timezone", "timezone", ("option", "string")), ("missed", "missed", Missed),)


@dataclass(frozen=True)
class Planned:
    name: str
    next_ms: int | None
    """In milliseconds since 1970; none for what has had its one moment."""
    by_manifest: bool
    """It stands in the manifest, so it cannot be cancelled."""


RECORDS[Planned] = (("name", "name", "string"), ("next-ms", "next_ms", ("option", "plain")), ("by-manifest", "by_manifest", "plain"),)


def set(schedule: Schedule) -> int:
    """Plans a schedule and answers its next time, in milliseconds since 1970. A turn is entered once at a time: what comes due meanwhile is the next time.

    Fails with invalid-message (a name, an entry point, a time that never comes), conflict (a name of the manifest), quota-exceeded (more than 100 schedules),
    storage-failed.
    """
    return asking("schedules.set", ((Schedule, schedule),), "plain")


def cancel(name: str) -> bool:
    """Ends a schedule and says whether there was one. Fails with conflict for one of the manifest."""
    return asking("schedules.cancel", (("string", name),), "plain")


def upcoming() -> list[Planned]:
    """All of them, by name."""
    return asking("schedules.upcoming", (), ("list", Planned))
