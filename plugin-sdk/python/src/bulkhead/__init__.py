"""What a plugin in Python imports."""

from . import blobs, clock, config, crypto, events, extensions, http, log, random, services, state, storage
from ._blob_content import blob_pieces, read_blob, write_blob
from ._error import Failure, HostError, Refusal
from ._json import dumps
from ._plugin import EntryPoints, Event, Request, on, on_load, on_start, on_stop, on_unload, service
from ._raw_route import RouteAnswer, RouteBlob, RouteRequest, raw_route
from ._read_config import read_config
from ._transaction import Transaction, transaction

__all__ = [
    *("blobs", "clock", "config", "crypto", "events", "extensions", "http", "log", "random", "services", "state", "storage"),
    *("Failure", "HostError", "Refusal", "EntryPoints", "Event", "Request", "RouteAnswer", "RouteBlob", "RouteRequest", "Transaction", "dumps"),
    *("blob_pieces", "read_blob", "write_blob"),
    *("on", "on_load", "on_start", "on_stop", "on_unload", "raw_route", "read_config", "service", "transaction"),
]
