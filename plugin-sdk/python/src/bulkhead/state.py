# Generated from wit/ by plugin-sdk/codegen (npm run build:bindings); edits here are lost.
"""Last values that plugins share. The operator chooses whether they outlive the host; what must last belongs into the storage."""

from wit_world.imports import state as _host
from wit_world.imports.state import Versioned, Write

from ._error import asking

__all__ = ["Versioned", "Write", "get", "set", "delete", "keys", "get_versioned", "put", "list_keys"]


def get(key: str) -> bytes | None:
    """The value, or none when nobody has set the key. Needs `state.read`."""
    with asking():
        return _host.get(key)


def set(key: str, value: bytes) -> None:
    """Sets a value of at most 64 KiB. Needs `state.write`."""
    with asking():
        return _host.set(key, value)


def delete(key: str) -> bool:
    """Removes a value and says whether there was one. Needs `state.write`."""
    with asking():
        return _host.delete(key)


def keys(prefix: str) -> list[str]:
    """The keys that begin with `prefix` and that this plugin may read, in order of their characters, at most 1,000."""
    with asking():
        return _host.keys(prefix)


def get_versioned(key: str) -> Versioned | None:
    """The value with its revision, or none when nobody has set the key. Needs `state.read`."""
    with asking():
        return _host.get_versioned(key)


def put(write: Write) -> int | None:
    """Sets or removes a value if the expected revision is there, and answers the revision that this made; none when another is there, and nothing has
    changed: that is an answer, not a failure, so read again and try again. Needs `state.write`.

    Fails with invalid-message (key, ttl-ms of 0), permission-denied, quota-exceeded (value size, keys and bytes of this plugin, of all plugins), storage-failed.
    """
    with asking():
        return _host.put(write)


def list_keys(prefix: str, after: str | None, limit: int) -> list[str]:
    """Like `keys`, one page: those after `after` if it is given, at most `limit` (1 to 1,000). Ask again with the last key as `after`; a page may have fewer
    keys than asked for although more follow, and none only when none follow.
    """
    with asking():
        return _host.list_keys(prefix, after, limit)
