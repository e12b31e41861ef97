# Generated from wit/ by plugin-sdk/codegen (npm run build:bindings); edits here are lost.
"""Facts that other plugins may hear of. Which events a plugin receives stands in its manifest under `subscriptions`."""

from __future__ import annotations

from ._turn import asking

__all__ = ["publish"]


def publish(event_type: str, content_type: str, data: bytes) -> str:
    """Publishes one event and returns its id as soon as the host has accepted it; subscribers run later, each in its
    own turn. Types below the plugin's own name (`devices.state-changed` from the plugin `devices`) need no
    permission, any other needs `events.publish`. With the content type `application/json` the data must be one JSON
    text and arrives as `data`; anything else arrives base64-encoded as `data_base64`. The host stamps `id`,
    `source`, `time` and `traceparent`.

    Fails with invalid-message (type, JSON), permission-denied, rate-limited, quota-exceeded (size).
    """
    return asking("events.publish", (("string", event_type), ("string", content_type), ("bytes", data)), "string")
