"""What a plugin in Python imports."""

from . import clock, config, events, extensions, http, log, random, services, state, storage
from ._error import Failure, HostError, Refusal
from ._json import dumps
from ._plugin import EntryPoints, Event, Request, on, on_load, on_start, on_stop, on_unload, service
from ._raw_route import RouteAnswer, RouteRequest, raw_route
from ._transaction import Transaction, transaction

__all__ = [
    *("clock", "config", "events", "extensions", "http", "log", "random", "services", "state", "storage"),
    *("Failure", "HostError", "Refusal", "EntryPoints", "Event", "Request", "RouteAnswer", "RouteRequest", "Transaction", "dumps"),
    *("on", "on_load", "on_start", "on_stop", "on_unload", "raw_route", "service", "transaction"),
]
