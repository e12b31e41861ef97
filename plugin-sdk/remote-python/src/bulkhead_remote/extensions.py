# Generated from wit/ by plugin-sdk/codegen (npm run build:bindings); edits here are lost.
"""Questions that any number of plugins answer. Which of them a plugin answers stands in its manifest under `extends`."""

from __future__ import annotations

from dataclasses import dataclass

from ._blocks import RECORDS
from ._turn import asking

__all__ = ["Answer", "ask"]


@dataclass(frozen=True)
class Answer:
    plugin: str
    """The plugin that answers."""
    output: bytes
    """What it answers. In JSON it is base64 text."""


RECORDS[Answer] = (("plugin", "plugin", "string"), ("output", "output", "bytes"),)


def ask(point: str, input: bytes, deadline_ms: int | None = None) -> list[Answer]:
    """Asks all plugins that extend the point and may answer it, side by side, and waits for them. Which points there are
    is declared by the program that the host is part of, `shop.discount` by `shop`, and by plugins in their manifests
    under `extensionPoints`. A plugin's own points need no permission, and nobody else may ask them; those of the
    program need `extensions.ask`.

    The answers come in the order of the plugins' priorities, highest first, then of their names. A plugin that does not
    run, fails, is late, says too much or answers what the point does not take is left out; so is one that waits,
    directly or not, for this very turn, such as the plugin that asks. At most 32 are asked, the first ones in that
    order. Their answers have at most 1 MiB together, of which each may take an equal share.

    All have until `deadline-ms` from this call on, and until just before the end of the current turn. Without
    `deadline-ms` one that is late takes all the time that this turn has left.

    Fails with permission-denied, no-such-service (nobody declares the point), invalid-message (the input is not what
    the point takes), quota-exceeded (size), deadline-exceeded (no time is left to ask).
    """
    return asking("extensions.ask", (("string", point), ("bytes", input), (("option", "plain"), deadline_ms)), ("list", Answer))
