# Generated from wit/ by plugin-sdk/codegen (npm run build:bindings); edits here are lost.
"""Request and reply between plugins. Which services a plugin provides stands in its manifest under `services`."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from ._blocks import RECORDS
from ._turn import asking

__all__ = ["CallerKind", "Caller", "SendOptions", "call", "send", "current_caller", "current_principal"]


class CallerKind(Enum):
    PLUGIN = "plugin"
    ADAPTER = "adapter"
    HOST = "host"


@dataclass(frozen=True)
class Caller:
    kind: CallerKind
    name: str


RECORDS[Caller] = (("kind", "kind", CallerKind), ("name", "name", "string"),)


@dataclass(frozen=True)
class SendOptions:
    durable: bool
    """It is on the disk when this returns, and stays there until the provider has handled it: also one that is stopped,
    updated or away gets it, at least once, in the order in which this plugin sent to the service. Needs the permission
    `services.durable` on the service as well.
    """
    id: str | None = None
    """1 to 128 printable ASCII characters without spaces; none lets the host make one. A durable message to the same
    service whose id is known is not taken again.
    """


RECORDS[SendOptions] = (("durable", "durable", "plain"), ("id", "id", ("option", "string")),)


def call(service: str, payload: bytes, deadline_ms: int | None = None) -> bytes:
    """Calls a service and waits for its answer. Needs the permission `services.call`. A plugin's own service is a call-loop.
    The deadline is the earlier of `deadline-ms` from this call on and just before the end of the current turn's own.

    Fails with permission-denied, no-such-service, call-loop (the provider waits, directly or not, for this very
    turn), queue-full, rate-limited (`retry-after-ms` says for how long), deadline-exceeded, refused (the provider says no;
    `reason` says why), plugin-failed (the provider's own failure; `message` is what it said), plugin-not-running,
    quota-exceeded (size); and where the provider is on another host, host-unreachable (nothing was done) and host-lost
    (nobody knows).
    """
    return asking("services.call", (("string", service), ("bytes", payload), (("option", "plain"), deadline_ms)), "bytes")


def send(service: str, payload: bytes, options: SendOptions) -> str:
    """Calls a service without waiting for it, and answers the id of the message as soon as the provider has it in its queue or,
    for a durable one, as soon as it is on the disk. What the service answers is dropped; a failure is told to the operator. A
    durable message that fails is tried again after growing pauses; after the last attempt, or when the provider refuses it
    other than with `unavailable`, it is a dead letter. Needs the permission `services.call`, now and when the message is
    delivered. Sends count as events for `limits.publishesPerSecond`.

    Fails with permission-denied, no-such-service, invalid-message (id), rate-limited (`retry-after-ms` says for how long),
    queue-full (the provider's queue, or too much that this plugin or all together have sent waits), plugin-not-running,
    quota-exceeded (size); a durable one not with plugin-not-running but with storage-failed.
    """
    return asking("services.send", (("string", service), ("bytes", payload), (SendOptions, options)), "string")


def current_caller() -> Caller:
    """Who asked for the current turn. Stamped by the host; nobody can forge it."""
    return asking("services.current-caller", (), Caller)


def current_principal() -> str | None:
    """Who came by the adapter that asked for the current turn, as the host knows him: such as `user:ada`, `token:ci` or
    `anonymous`. None when no adapter asked. Stamped by the host; nobody can forge it.
    """
    return asking("services.current-principal", (), ("option", "string"))
