# Generated from wit/ by plugin-sdk/codegen (npm run build:bindings); edits here are lost.
"""The plugin's own durable key-value store. No other plugin can reach it, so it needs no permission; it has a quota.
A key is 1 to 512 bytes of UTF-8, a value at most 1 MiB.
"""

from wit_world.imports import storage as _host
from wit_world.imports.storage import Change

from ._error import asking

__all__ = ["Change", "get", "set", "delete", "get_many", "apply", "keys"]


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
