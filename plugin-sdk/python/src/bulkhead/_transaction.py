"""Reads and writes of the storage that belong together: they are committed where what was read still holds."""

from collections.abc import Callable
from typing import TypeVar

from . import storage
from ._error import HostError

T = TypeVar("T")

_MAX_RUNS = 10


class Transaction:
    """What ``transaction`` gives to its function. Nothing of it is in the storage before the function has returned."""

    def __init__(self) -> None:
        self._read: dict[str, storage.Versioned | None] = {}
        self._changes: dict[str, storage.Change] = {}

    def get(self, key: str) -> bytes | None:
        """What this transaction has set, else the value in the storage, each time the same."""
        if key in self._changes:
            return self._changes[key].value
        if key not in self._read:
            self._read[key] = storage.get_versioned(key)
        found = self._read[key]
        return None if found is None else found.value

    def set(self, key: str, value: bytes, ttl_ms: int | None = None) -> None:
        """With ``ttl_ms`` the value ends that many milliseconds later."""
        self._changes[key] = storage.Change(key, value, ttl_ms)

    def delete(self, key: str) -> None:
        self._changes[key] = storage.Change(key, None, None)

    def _commit(self) -> bool:
        checks = [storage.Check(key, 0 if found is None else found.version) for key, found in self._read.items()]
        return storage.commit(checks, list(self._changes.values())).committed


def transaction(run: Callable[[Transaction], T]) -> T:
    """Runs a function and commits what it set and deleted, all or nothing, provided that no key it read has changed since; else the
    function runs again, so it may run several times and should do nothing else. What it raises ends the transaction, and nothing is
    committed. ``storage.scan`` and ``storage.keys`` are not part of it.

    Raises HostError: ``conflict`` after 10 runs, and what ``storage.commit`` fails with.
    """
    for _ in range(_MAX_RUNS):
        attempt = Transaction()
        answer = run(attempt)
        if attempt._commit():
            return answer
    raise HostError("conflict", f"what the transaction read was changed in each of {_MAX_RUNS} runs; read fewer keys, or try again later")
