# Generated from wit/ by plugin-sdk/codegen (npm run build:bindings); edits here are lost.
"""Request and reply between plugins. Which services a plugin provides stands in its manifest under `services`."""

from wit_world.imports import services as _host
from wit_world.imports.services import CallerKind, Caller, SendOptions

from ._error import asking

__all__ = ["CallerKind", "Caller", "SendOptions", "call", "send", "current_caller", "current_principal"]


def call(service: str, payload: bytes, deadline_ms: int | None = None) -> bytes:
    """Calls a service and waits for its answer. Needs the permission `services.call`. A plugin's own service is a call-loop.
    The deadline is the earlier of `deadline-ms` from this call on and just before the end of the current turn's own.

    Fails with permission-denied, no-such-service, call-loop (the provider waits, directly or not, for this very
    turn), queue-full, rate-limited (`retry-after-ms` says for how long), deadline-exceeded, refused (the provider says no;
    `reason` says why), plugin-failed (the provider's own failure; `message` is what it said), plugin-not-running,
    quota-exceeded (size); and where the provider is on another host, host-unreachable (nothing was done) and host-lost
    (nobody knows).
    """
    with asking():
        return _host.call(service, payload, deadline_ms)


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
    with asking():
        return _host.send(service, payload, options)


def current_caller() -> Caller:
    """Who asked for the current turn. Stamped by the host; nobody can forge it."""
    return _host.current_caller()


def current_principal() -> str | None:
    """Who came by the adapter that asked for the current turn, as the host knows him: such as `user:ada`, `token:ci` or
    `anonymous`. None when no adapter asked. Stamped by the host; nobody can forge it.
    """
    return _host.current_principal()
