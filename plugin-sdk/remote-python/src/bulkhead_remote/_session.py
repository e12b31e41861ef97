"""One session with a host: says Hello, runs its turns one after the other, and tells how it ended."""

import queue
import threading
from collections.abc import Callable, Iterator
from importlib.resources import files
from typing import Any

import grpc
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

from ._error import HostError
from ._plugin import enter, failure_of
from ._turn import Turn, run_in

_CONNECT = "/bulkhead.remote.v1.RemotePluginService/Connect"
_FIRST_WORD_S = 15.0
_SILENT_BEATS = 20


def _messages() -> tuple[Any, Any]:
    described = descriptor_pb2.FileDescriptorSet.FromString((files(__package__) / "remote.binpb").read_bytes())
    pool = descriptor_pool.DescriptorPool()
    for file in described.file:
        pool.Add(file)
    names = ("bulkhead.remote.v1.ConnectRequest", "bulkhead.remote.v1.ConnectResponse")
    return tuple(message_factory.GetMessageClass(pool.FindMessageTypeByName(name)) for name in names)


ConnectRequest, ConnectResponse = _messages()


class Session:
    """To be run once, in the thread that calls ``run``."""

    def __init__(self, hello: dict[str, Any], on_welcome: Callable[[str], None]) -> None:
        self._hello = hello
        self._on_welcome = on_welcome
        self._said: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._answers: dict[int, queue.SimpleQueue[Any]] = {}
        self._calls = 0
        self._lock = threading.Lock()
        self._turn: tuple[int, Turn] | None = None
        self._why = "the host ended the stream"

    def run(self, channel: grpc.Channel, metadata: list[tuple[str, str]]) -> str:
        """Answers why it is over."""
        connect = channel.stream_stream(_CONNECT, ConnectRequest.SerializeToString, ConnectResponse.FromString)
        self._said.put(ConnectRequest(hello=self._hello))
        stream = connect(iter(self._said.get, None), metadata=metadata)
        silence = _Silence(stream.cancel)
        try:
            for message in self._heard(stream, silence):
                self._take(message)
        except grpc.RpcError as error:
            self._why = f"the host said nothing for {silence.seconds:g} s" if silence.is_over else error.details() or error.code().name
        finally:
            silence.end()
            self._end()
        return self._why

    def _heard(self, stream: Iterator[Any], silence: "_Silence") -> Iterator[Any]:
        for message in stream:
            if message.WhichOneof("message") == "welcome":
                silence.seconds = _SILENT_BEATS * message.welcome.ping_interval_ms / 1000
            silence.begin()
            yield message

    def _take(self, message: Any) -> None:
        kind = message.WhichOneof("message")
        if kind == "welcome":
            self._on_welcome(message.welcome.session)
        elif kind == "ping":
            self._said.put(ConnectRequest(pong={"nonce": message.ping.nonce}))
        elif kind == "turn":
            threading.Thread(target=self._enter, args=(message.turn,), daemon=True).start()
        elif kind == "host_call_ended":
            answer = self._answers.pop(message.host_call_ended.call_id, None)
            if answer is not None:
                answer.put(message.host_call_ended.block)
        elif kind == "cancel":
            self._cancel(message.cancel.turn_id, message.cancel.code)
        elif kind == "drain":
            self._why = message.drain.why

    def _enter(self, message: Any) -> None:
        turn = Turn(message.entry_point, message.traceparent, message.remaining_ms, lambda name, args: self._ask(message.turn_id, turn, name, args))
        with self._lock:
            self._turn = (message.turn_id, turn)
        try:
            result = {"output": run_in(turn, lambda: enter(message.entry_point, message.input))}
        except Exception as raised:
            result = {"failure": failure_of(raised)}
        self._ended(message.turn_id, turn, result)

    def _ended(self, turn_id: int, turn: Turn, result: dict[str, bytes]) -> None:
        with self._lock:
            if turn.is_over.is_set():
                return
            turn.is_over.set()
            self._turn = None
            self._said.put(ConnectRequest(turn_ended={"turn_id": turn_id, **result}))

    def _ask(self, turn_id: int, turn: Turn, name: str, args: list[bytes]) -> bytes:
        answer: queue.SimpleQueue[Any] = queue.SimpleQueue()
        with self._lock:
            if turn.is_over.is_set():
                raise HostError("plugin-not-running", "the turn that asked has ended")
            self._calls = (self._calls + 1) & 0xFFFFFFFF
            call_id = self._calls
            self._answers[call_id] = answer
            self._said.put(ConnectRequest(host_call={"turn_id": turn_id, "call_id": call_id, "function": name, "args": args}))
        block = answer.get()
        if isinstance(block, HostError):
            raise block
        return block

    def _cancel(self, turn_id: int, code: str) -> None:
        """Nobody waits for it any more: what it asked fails, and what it still answers is dropped."""
        with self._lock:
            running = self._turn
        if running is None or running[0] != turn_id:
            return
        error = HostError("deadline-exceeded", f"the host has ended the turn: {code}")
        self._ended(turn_id, running[1], {"failure": failure_of(error)})
        self._fail(error)

    def _fail(self, error: HostError) -> None:
        with self._lock:
            waiting = list(self._answers.values())
            self._answers.clear()
        for answer in waiting:
            answer.put(error)

    def _end(self) -> None:
        with self._lock:
            if self._turn is not None:
                self._turn[1].is_over.set()
        self._fail(HostError("plugin-not-running", f"the session with the host is over: {self._why}"))
        self._said.put(None)


class _Silence:
    """Ends what nobody has said anything on for a time."""

    def __init__(self, end: Callable[[], Any]) -> None:
        self.seconds = _FIRST_WORD_S
        self.is_over = False
        self._cancel = end
        self._timer: threading.Timer | None = None
        self.begin()

    def begin(self) -> None:
        self.end()
        self._timer = threading.Timer(self.seconds, self._pass)
        self._timer.daemon = True
        self._timer.start()

    def end(self) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def _pass(self) -> None:
        self.is_over = True
        self._cancel()
