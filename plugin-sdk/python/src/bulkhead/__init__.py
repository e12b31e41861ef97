"""What a plugin in Python imports."""

from . import clock, config, events, extensions, http, log, random, services, state, storage
from ._error import Failure, HostError
from ._plugin import EntryPoints, Event, Request, dumps, on, on_load, on_start, on_stop, on_unload, service

__all__ = [
    *("clock", "config", "events", "extensions", "http", "log", "random", "services", "state", "storage"),
    *("Failure", "HostError", "EntryPoints", "Event", "Request", "dumps"),
    *("on", "on_load", "on_start", "on_stop", "on_unload", "service"),
]
