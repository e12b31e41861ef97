"""The turn that code runs in: by it the host knows on whose behalf it is asked."""

import threading
import time
from collections.abc import Callable
from typing import Any

from ._blocks import decode_answer, encode_block
from ._error import Failure

_running = threading.local()


class Turn:
    """What code of the plugin may know of the turn that it runs in."""

    def __init__(self, entry_point: str, traceparent: str, remaining_ms: int, ask: Callable[[str, list[bytes]], bytes]) -> None:
        self.entry_point = entry_point
        self.traceparent = traceparent
        """W3C trace context."""
        self.is_over = threading.Event()
        """Set when the host has ended the turn, or is gone: nobody waits for its answer."""
        self._ends_at = time.monotonic() + remaining_ms / 1000
        self._ask = ask

    @property
    def remaining_ms(self) -> int:
        """What is left of its deadline."""
        return max(0, int((self._ends_at - time.monotonic()) * 1000))


def current_turn() -> Turn:
    """Raises Failure outside of a turn, which is the thread that a handler runs in."""
    turn = getattr(_running, "turn", None)
    if turn is None:
        raise Failure("the host is asked within turns only, in the thread of the handler")
    return turn


def run_in(turn: Turn, work: Callable[[], Any]) -> Any:
    _running.turn = turn
    try:
        return work()
    finally:
        _running.turn = None


def asking(name: str, args: tuple[tuple[Any, Any], ...], result: Any) -> Any:
    """Raises HostError for what the host answers with an error."""
    blocks = [encode_block(shape, value) for shape, value in args]
    return decode_answer(result, current_turn()._ask(name, blocks))
