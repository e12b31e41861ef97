# Generated from wit/ by plugin-sdk/codegen (npm run build:bindings); edits here are lost.
"""The plugin's own durable key-value store. No other plugin can reach it, so it needs no permission; it has a quota.
A key is 1 to 512 bytes of UTF-8, a value at most 1 MiB.
"""

from wit_world.imports import storage as _host
from wit_world.imports.storage import Change, Versioned, Check, CommitOutcome, Entry, Page, Logged

from ._error import asking

__all__ = ["Change", "Versioned", "Check", "CommitOutcome", "Entry", "Page", "Logged", "get", "set", "delete", "get_many", "apply", "keys", "get_versioned", "commit", "scan", "changes"]


def get(key: str) -> bytes | None:
    """The value, or none when the key is absent.

    Fails with invalid-message (key), storage-failed.
    """
    with asking():
        return _host.get(key)


def set(key: str, value: bytes) -> None:
    """Sets a value. Once this returns the value survives a crash of the host's process.

    Fails with invalid-message (key), quota-exceeded (value size, bytes in all), storage-failed.
    """
    with asking():
        return _host.set(key, value)


def delete(key: str) -> bool:
    """Removes a value and says whether there was one."""
    with asking():
        return _host.delete(key)


def get_many(keys: list[str]) -> list[bytes | None]:
    """The values of up to 1,000 keys, each in its key's place, none for an absent one.

    Fails with invalid-message (keys, more than 1,000 of them), quota-exceeded (values of more than 4 MiB in all), storage-failed.
    """
    with asking():
        return _host.get_many(keys)


def apply(changes: list[Change]) -> None:
    """Makes up to 1,000 changes in this order: all of them, or none when one fails.

    Fails with invalid-message (key, ttl-ms of 0, more than 1,000 changes), quota-exceeded (value size, bytes in all), storage-failed.
    """
    with asking():
        return _host.apply(changes)


def keys(prefix: str, after: str | None, limit: int) -> list[str]:
    """The keys that begin with `prefix`, in byte order, those after `after` if it is given, at most `limit` (1 to
    1,000). Ask again with the last key as `after` for the next page.
    """
    with asking():
        return _host.keys(prefix, after, limit)


def get_versioned(key: str) -> Versioned | None:
    """The value with its version, or none when the key is absent.

    Fails with invalid-message (key), storage-failed.
    """
    with asking():
        return _host.get_versioned(key)


def commit(checks: list[Check], changes: list[Change]) -> CommitOutcome:
    """Makes up to 1,000 changes in this order, all of them or none, provided that up to 1,000 keys still have the versions
    that were read. A check that fails is an answer and no error: read again and try again. A value whose time is over
    counts as absent.

    Fails with invalid-message (key, ttl-ms of 0, more than 1,000 checks or changes), quota-exceeded (value size, bytes
    in all), storage-failed.
    """
    with asking():
        return _host.commit(checks, changes)


def scan(prefix: str, after: str | None, limit: int, reverse: bool) -> Page:
    """The entries whose keys begin with `prefix`, in byte order or, with `reverse`, from the last one on, those behind
    `after` if it is given, at most `limit` (1 to 1,000). A page ends early before it has 4 MiB of keys and values, so
    ask again with `next` until there is none. What is changed between two pages is seen by those that follow.

    Fails with invalid-message (prefix, after, limit), storage-failed.
    """
    with asking():
        return _host.scan(prefix, after, limit, reverse)


def changes(after: int, limit: int) -> list[Logged]:
    """What the plugin's own commits changed after the one with the sequence number `after` (0 for all), oldest first, at
    least `limit` (1 to 1,000) changes if there are as many: a page ends with a whole commit, so it may have up to 999
    more. Ask again with the last `seq` as `after`. The log is kept only for plugins whose manifest says
    `"storage": { "log": true }`; it is trimmed by age, count and size.

    Fails with conflict (changes after `after` have been trimmed; `message` has the oldest number that is kept, so scan
    the storage and go on from there), invalid-message (limit, no log), storage-failed.
    """
    with asking():
        return _host.changes(after, limit)
