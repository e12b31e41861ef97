"""Write Bulkhead plugins that are processes of their own: functions by the names of entry points, and the host's functions to call in them."""

from . import blobs, clock, config, crypto, events, extensions, http, log, random, schedules, services, state, storage
from ._connect import connect
from ._error import Failure, HostError, Refusal
from ._plugin import Event, Request, dumps, on, on_load, on_start, on_stop, on_unload, service
from ._turn import Turn, current_turn

__all__ = [
    "Event",
    "Failure",
    "HostError",
    "Refusal",
    "Request",
    "Turn",
    "blobs",
    "clock",
    "config",
    "connect",
    "crypto",
    "current_turn",
    "dumps",
    "events",
    "extensions",
    "http",
    "log",
    "on",
    "on_load",
    "on_start",
    "on_stop",
    "on_unload",
    "random",
    "schedules",
    "service",
    "services",
    "state",
    "storage",
]
