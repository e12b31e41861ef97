# Generated from wit/ by plugin-sdk/codegen (npm run build:bindings); edits here are lost.

from __future__ import annotations

from ._turn import asking

__all__ = ["bytes"]


def bytes(length: int) -> bytes:
    """Bytes from the host's cryptographic generator, 0 to 65,536 of them.

    Fails with invalid-message (length).
    """
    return asking("random.bytes", (("plain", length),), "bytes")
