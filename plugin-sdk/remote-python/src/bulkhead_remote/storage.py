# Generated from wit/ by plugin-sdk/codegen (npm run build:bindings); edits here are lost.
"""The plugin's own durable key-value store. No other plugin can reach it, so it needs no permission; it has a quota.
A key is 1 to 512 bytes of UTF-8, a value at most 1 MiB.
"""

from __future__ import annotations

from dataclasses import dataclass

from ._blocks import RECORDS
from ._turn import asking

__all__ = ["Change", "Versioned", "Check", "CommitOutcome", "Entry", "Page", "Logged", "get", "set", "delete", "get_many", "apply", "keys", "get_versioned", "commit", "scan", "changes"]


@dataclass(frozen=True)
class Change:
    key: str
    value: bytes | None = None
    """None removes the key."""
    ttl_ms: int | None = None
    """How long the value is there, in milliseconds; none for ever. Setting the key anew ends it."""


RECORDS[Change] = (("key", "key", "string"), ("value", "value", ("option", "bytes")), ("ttl-ms", "ttl_ms", ("option", "plain")),)


@dataclass(frozen=True)
class Versioned:
    value: bytes
    version: int
    """Of the commit that set the value. Versions of a plugin's commits only grow and are never used again."""
    expires_at: int | None = None
    """When the value ends, in milliseconds since 1970; none for never."""


RECORDS[Versioned] = (("value", "value", "bytes"), ("version", "version", "plain"), ("expires-at", "expires_at", ("option", "plain")),)


@dataclass(frozen=True)
class Check:
    key: str
    version: int
    """What the key's version must be; 0 for a key that must be absent."""


RECORDS[Check] = (("key", "key", "string"), ("version", "version", "plain"),)


@dataclass(frozen=True)
class CommitOutcome:
    committed: bool
    """False when a check failed; then nothing was changed."""
    version: int
    """The one version of all values that the commit set; 0 when it changed nothing."""


RECORDS[CommitOutcome] = (("committed", "committed", "plain"), ("version", "version", "plain"),)


@dataclass(frozen=True)
class Entry:
    key: str
    value: bytes
    version: int


RECORDS[Entry] = (("key", "key", "string"), ("value", "value", "bytes"), ("version", "version", "plain"),)


@dataclass(frozen=True)
class Page:
    entries: list[Entry]
    next: str | None = None
    """What `after` must be for the next page; none when this is the last one."""


RECORDS[Page] = (("entries", "entries", ("list", Entry)), ("next", "next", ("option", "string")),)


@dataclass(frozen=True)
class Logged:
    seq: int
    """The version of the commit."""
    key: str
    removed: bool
    time: int
    """Milliseconds since 1970."""
    trace: str | None = None
    """The trace of the turn that made the commit, 32 hexadecimal digits; none outside of a turn."""


RECORDS[Logged] = (("seq", "seq", "plain"), ("key", "key", "string"), ("removed", "removed", "plain"), ("time", "time", "plain"), ("trace", "trace", ("option", "string")),)


def get(key: str) -> bytes | None:
    """The value, or none when the key is absent.

    Fails with invalid-message (key), storage-failed.
    """
    return asking("storage.get", (("string", key),), ("option", "bytes"))


def set(key: str, value: bytes) -> None:
    """Sets a value. Once this returns the value survives a crash of the host's process.

    Fails with invalid-message (key), quota-exceeded (value size, bytes in all), storage-failed.
    """
    return asking("storage.set", (("string", key), ("bytes", value)), None)


def delete(key: str) -> bool:
    """Removes a value and says whether there was one."""
    return asking("storage.delete", (("string", key),), "plain")


def get_many(keys: list[str]) -> list[bytes | None]:
    """The values of up to 1,000 keys, each in its key's place, none for an absent one.

    Fails with invalid-message (keys, more than 1,000 of them), quota-exceeded (values of more than 4 MiB in all), storage-failed.
    """
    return asking("storage.get-many", ((("list", "string"), keys),), ("list", ("option", "bytes")))


def apply(changes: list[Change]) -> None:
    """Makes up to 1,000 changes in this order: all of them, or none when one fails.

    Fails with invalid-message (key, ttl-ms of 0, more than 1,000 changes), quota-exceeded (value size, bytes in all), storage-failed.
    """
    return asking("storage.apply", ((("list", Change), changes),), None)


def keys(prefix: str, after: str | None, limit: int) -> list[str]:
    """The keys that begin with `prefix`, in byte order, those after `after` if it is given, at most `limit` (1 to
    1,000). Ask again with the last key as `after` for the next page.
    """
    return asking("storage.keys", (("string", prefix), (("option", "string"), after), ("plain", limit)), ("list", "string"))


def get_versioned(key: str) -> Versioned | None:
    """The value with its version, or none when the key is absent.

    Fails with invalid-message (key), storage-failed.
    """
    return asking("storage.get-versioned", (("string", key),), ("option", Versioned))


def commit(checks: list[Check], changes: list[Change]) -> CommitOutcome:
    """Makes up to 1,000 changes in this order, all of them or none, provided that up to 1,000 keys still have the versions
    that were read. A check that fails is an answer and no error: read again and try again. A value whose time is over
    counts as absent.

    Fails with invalid-message (key, ttl-ms of 0, more than 1,000 checks or changes), quota-exceeded (value size, bytes
    in all), storage-failed.
    """
    return asking("storage.commit", ((("list", Check), checks), (("list", Change), changes)), CommitOutcome)


def scan(prefix: str, after: str | None, limit: int, reverse: bool) -> Page:
    """The entries whose keys begin with `prefix`, in byte order or, with `reverse`, from the last one on, those behind
    `after` if it is given, at most `limit` (1 to 1,000). A page ends early before it has 4 MiB of keys and values, so
    ask again with `next` until there is none. What is changed between two pages is seen by those that follow.

    Fails with invalid-message (prefix, after, limit), storage-failed.
    """
    return asking("storage.scan", (("string", prefix), (("option", "string"), after), ("plain", limit), ("plain", reverse)), Page)


def changes(after: int, limit: int) -> list[Logged]:
    """What the plugin's own commits changed after the one with the sequence number `after` (0 for all), oldest first, at
    least `limit` (1 to 1,000) changes if there are as many: a page ends with a whole commit, so it may have up to 999
    more. Ask again with the last `seq` as `after`. The log is kept only for plugins whose manifest says
    `"storage": { "log": true }`; it is trimmed by age, count and size.

    Fails with conflict (changes after `after` have been trimmed; `message` has the oldest number that is kept, so scan
    the storage and go on from there), invalid-message (limit, no log), storage-failed.
    """
    return asking("storage.changes", (("plain", after), ("plain", limit)), ("list", Logged))
