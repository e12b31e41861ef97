# Generated from wit/ by plugin-sdk/codegen (npm run build:bindings); edits here are lost.

from wit_world.imports import random as _host

from ._error import asking

__all__ = ["bytes"]


def bytes(length: int) -> bytes:
    """Bytes from the host's cryptographic generator, 0 to 65,536 of them.

    Fails with invalid-message (length).
    """
    with asking():
        return _host.bytes(length)
