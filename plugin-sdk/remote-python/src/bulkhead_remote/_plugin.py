"""How the host enters a plugin: decorators register functions by the names of the manifest's entry points."""

import json
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ._error import Failure, HostError, Refusal, refusal_text

Handler = Callable[..., Any]


def dumps(value: Any) -> bytes:
    """JSON as every SDK writes it: without spaces, in UTF-8."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()


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
        try:
            return json.loads(self.text())
        except ValueError as wrong:
            raise Refusal("invalid-input", "the input is no JSON text") from wrong


_services: dict[str, Handler] = {}
_events: dict[str, Handler] = {}
_lifecycle: dict[str, Handler] = {}


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
    """Runs in each session before anything else."""
    return _registering(_lifecycle, "on_load")(handler)


def on_start(handler: Handler) -> Handler:
    """Runs in each session, behind on_load."""
    return _registering(_lifecycle, "on_start")(handler)


def on_stop(handler: Handler) -> Handler:
    """Runs when the host stops the plugin."""
    return _registering(_lifecycle, "on_stop")(handler)


def on_unload(handler: Handler) -> Handler:
    """Runs before the host lets the plugin go."""
    return _registering(_lifecycle, "on_unload")(handler)


def entry_points() -> list[str]:
    return [*_lifecycle, *_events, *_services]


def enter(entry_point: str, given: bytes) -> bytes:
    if entry_point in _services:
        return _bytes_of(_services[entry_point](Request(given)))
    if entry_point in _events:
        said = json.loads(given)
        _events[entry_point](Event(said["id"], said["source"], said["type"], said["time"], said.get("data"), said.get("data_base64")))
        return b""
    if entry_point not in _lifecycle:
        raise Failure(f"the plugin has no entry point {entry_point}")
    _lifecycle[entry_point]()
    return b""


def _bytes_of(answer: Any) -> bytes:
    if answer is None:
        return b""
    if isinstance(answer, bytes | bytearray | memoryview):
        return bytes(answer)
    return answer.encode() if isinstance(answer, str) else dumps(answer)


def failure_of(raised: BaseException) -> bytes:
    """What the host is told: a refusal in the way of docs/abi.md, a failure's message, a mistake's with its place."""
    if isinstance(raised, Refusal) or (isinstance(raised, HostError) and raised.code == "refused" and raised.reason is not None):
        return refusal_text(raised).encode()
    if isinstance(raised, Failure | HostError):
        return str(raised).encode()
    ours = Path(__file__).parent
    frames = [frame for frame in traceback.extract_tb(raised.__traceback__) if Path(frame.filename).parent != ours]
    # Where the process lies is nobody's affair.
    place = f" ({Path(frames[-1].filename).name}:{frames[-1].lineno})" if frames else ""
    return f"{type(raised).__name__}: {raised}{place}".encode()
