# Generated from wit/ by plugin-sdk/codegen (npm run build:bindings); edits here are lost.
"""Last values that plugins share. The operator chooses whether they outlive the host; what must last belongs into the storage."""

from __future__ import annotations

from dataclasses import dataclass

from ._blocks import RECORDS
from ._turn import asking

__all__ = ["Versioned", "Write", "get", "set", "delete", "keys", "get_versioned", "put", "list_keys"]


@dataclass(frozen=True)
class Versioned:
    """A value with what is known of it."""
    value: bytes
    revision: int
    """Grows with each change of any key, so a key that was removed and set again has another."""
    owner: str
    """The plugin that set it last."""


RECORDS[Versioned] = (("value", "value", "bytes"), ("revision", "revision", "plain"), ("owner", "owner", "string"),)


@dataclass(frozen=True)
class Write:
    key: str
    value: bytes | None = None
    """None removes the key."""
    expected: int | None = None
    """The revision that must be there, 0 for none; none for whatever is there."""
    ttl_ms: int | None = None
    """How long the value is there, in milliseconds; none for ever. Setting the key anew ends it."""


RECORDS[Write] = (("key", "key", "string"), ("value", "value", ("option", "bytes")), ("expected", "expected", ("option", "plain")), ("ttl-ms", "ttl_ms", ("option", "plain")),)


def get(key: str) -> bytes | None:
    """The value, or none when nobody has set the key. Needs `state.read`."""
    return asking("state.get", (("string", key),), ("option", "bytes"))


def set(key: str, value: bytes) -> None:
    """Sets a value of at most 64 KiB. Needs `state.write`."""
    return asking("state.set", (("string", key), ("bytes", value)), None)


def delete(key: str) -> bool:
    """Removes a value and says whether there was one. Needs `state.write`."""
    return asking("state.delete", (("string", key),), "plain")


def keys(prefix: str) -> list[str]:
    """The keys that begin with `prefix` and that this plugin may read, in order of their characters, at most 1,000."""
    return asking("state.keys", (("string", prefix),), ("list", "string"))


def get_versioned(key: str) -> Versioned | None:
    """The value with its revision, or none when nobody has set the key. Needs `state.read`."""
    return asking("state.get-versioned", (("string", key),), ("option", Versioned))


def put(write: Write) -> int | None:
    """Sets or removes a value if the expected revision is there, and answers the revision that this made; none when another is there, and nothing has
    changed: that is an answer, not a failure, so read again and try again. Needs `state.write`.

    Fails with invalid-message (key, ttl-ms of 0), permission-denied, quota-exceeded (value size, keys and bytes of this plugin, of all plugins), storage-failed.
    """
    return asking("state.put", ((Write, write),), ("option", "plain"))


def list_keys(prefix: str, after: str | None, limit: int) -> list[str]:
    """Like `keys`, one page: those after `after` if it is given, at most `limit` (1 to 1,000). Ask again with the last key as `after`; a page may have fewer
    keys than asked for although more follow, and none only when none follow.
    """
    return asking("state.list-keys", (("string", prefix), (("option", "string"), after), ("plain", limit)), ("list", "string"))
