"""How the host enters a plugin: decorators register functions by the names of the manifest's entry points."""

import random
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from componentize_py_types import Err

from ._error import Failure, HostError, Refusal, refusal_text
from ._json import dumps, loads

Handler = Callable[..., Any]


@dataclass(frozen=True)
class Event:
    """A CloudEvent 1.0 as a subscription gets it; ``data`` is what is JSON, else None and ``data_base64`` has it."""

    id: str
    source: str
    type: str
    time: str
    data: Any
    data_base64: str | None


@dataclass(frozen=True)
class Request:
    """What a caller of a service passed."""

    bytes: bytes

    def text(self) -> str:
        """Raises Refusal ``invalid-input`` for what is not UTF-8."""
        try:
            return self.bytes.decode()
        except UnicodeDecodeError as wrong:
            raise Refusal("invalid-input", "the input is not UTF-8 text") from wrong

    def json(self) -> Any:
        """Raises Refusal ``invalid-input`` for what is no JSON."""
        text = self.text()
        try:
            return loads(text)
        except Failure as wrong:
            raise Refusal("invalid-input", str(wrong)) from wrong


_services: dict[str, Handler] = {}
_events: dict[str, Handler] = {}
_lifecycle: dict[str, Handler] = {}
_LIFECYCLE = ("on_load", "on_start", "on_stop", "on_unload")


def _registering(registry: dict[str, Handler], name: str) -> Callable[[Handler], Handler]:
    def register(handler: Handler) -> Handler:
        if name in registry:
            raise TypeError(f"two functions are registered for {name}")
        registry[name] = handler
        return handler

    return register


def service(entry_point: str) -> Callable[[Handler], Handler]:
    """Answers a service of the manifest: a function of a Request. Bytes are answered as they are, a str as UTF-8, None as nothing, anything else as JSON."""
    return _registering(_services, entry_point)


def on(entry_point: str) -> Callable[[Handler], Handler]:
    """Handles the events of a subscription of the manifest: a function of an Event."""
    return _registering(_events, entry_point)


def on_load(handler: Handler) -> Handler:
    """Runs in each instance before anything else."""
    return _registering(_lifecycle, "on_load")(handler)


def on_start(handler: Handler) -> Handler:
    """Runs once, when the plugin starts."""
    return _registering(_lifecycle, "on_start")(handler)


def on_stop(handler: Handler) -> Handler:
    """Runs when the plugin stops."""
    return _registering(_lifecycle, "on_stop")(handler)


def on_unload(handler: Handler) -> Handler:
    """Runs before the plugin is unloaded."""
    return _registering(_lifecycle, "on_unload")(handler)


def bytes_of(answer: Any) -> bytes:
    if answer is None:
        return b""
    if isinstance(answer, bytes | bytearray):
        return bytes(answer)
    return answer.encode() if isinstance(answer, str) else dumps(answer)


def _event_of(data: bytes) -> Event:
    event = Request(data).json()
    return Event(event["id"], event["source"], event["type"], event["time"], event.get("data"), event.get("data_base64"))


_ASKED_FOR_NAMES = "__entry_points"
"""Asked by `bulkhead check`; no manifest may name it."""


def _run(entry_point: str, data: bytes) -> bytes:
    if entry_point == _ASKED_FOR_NAMES:
        return dumps([*_services, *_events])
    if entry_point in _services:
        return bytes_of(_services[entry_point](Request(data)))
    if entry_point in _events:
        _events[entry_point](_event_of(data))
    elif entry_point in _lifecycle:
        _lifecycle[entry_point]()
    elif entry_point not in _LIFECYCLE:
        raise Failure(f"the plugin has no entry point {entry_point}")
    return b""


def _described(mistake: Exception) -> str:
    """A mistake's kind, message and the author's line that it came from; the whole traceback is in the log."""
    here = Path(__file__).parent
    frames = [frame for frame in traceback.extract_tb(mistake.__traceback__) if Path(frame.filename).parent != here]
    place = f" ({Path(frames[-1].filename).name}:{frames[-1].lineno})" if frames else ""
    return f"{type(mistake).__name__}: {mistake}{place}"


_is_instance = False


def _enter_instance() -> None:
    """What `random` was seeded with is frozen into the component when it is built; each instance has a seed of its own, from the host."""
    global _is_instance
    if not _is_instance:
        _is_instance = True
        random.seed()


class EntryPoints:
    """What componentize-py looks for in a plugin's module; to be imported there."""

    def handle(self, entry_point: str, input: bytes) -> bytes:
        _enter_instance()
        try:
            return _run(entry_point, input)
        except Refusal as refused:
            raise Err(refusal_text(refused)) from None
        except HostError as failed:
            raise Err(str(failed) if failed.reason is None else refusal_text(failed)) from None
        except Failure as failed:
            raise Err(str(failed)) from None
        except MemoryError:
            # Nothing of this instance can be relied on; its end makes the host build another.
            raise
        except Exception as mistake:
            traceback.print_exc()
            raise Err(_described(mistake)) from None
