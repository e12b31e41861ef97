"""What the host refuses or cannot do, and what a plugin could not do, as exceptions."""

import json


class HostError(Exception):
    """A refusal of the host. Branch on ``code``, which is one of wit/'s error-code, and of ``refused`` on ``reason``; the message is for people."""

    def __init__(self, code: str, message: str, reason: str | None = None, retry_after_ms: int | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.reason = reason
        """Why a provider said no."""
        self.retry_after_ms = retry_after_ms
        """How long to wait before it may go, where that is known."""


class Failure(Exception):
    """What a function of the plugin could not do, said to its caller. The process goes on."""


class Refusal(Exception):
    """What a handler raises to say no: the caller is told ``refused`` with this reason, ``not-found``, ``invalid-input``, ``conflict``, ``forbidden``,
    ``unavailable`` or one of ``services.<name>.errors`` in the manifest. A refusal that another plugin gave is handed on as it is. The process goes on."""

    def __init__(self, reason: str, message: str, retry_after_ms: int | None = None) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message
        self.retry_after_ms = retry_after_ms
        """When what is ``unavailable`` may be there again."""


def refusal_text(refused: HostError | Refusal) -> str:
    """How a refusal is told (docs/abi.md, entry points)."""
    told = {"code": refused.reason, "message": refused.message, "retryAfterMs": refused.retry_after_ms}
    return "\x01" + json.dumps(told)
