# Generated from wit/ by plugin-sdk/codegen (npm run build:bindings); edits here are lost.
"""Last values that plugins share. Volatile: empty after a restart of the host."""

from wit_world.imports import state as _host

from ._error import asking

__all__ = ["get", "set", "delete", "keys"]


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
