"""What the host refuses or cannot do, and what a plugin could not do, as exceptions."""

from collections.abc import Iterator
from contextlib import contextmanager

from componentize_py_types import Err


class HostError(Exception):
    """A refusal of the host. Branch on ``code``, which is one of wit/'s error-code; the message is for people."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class Failure(Exception):
    """What a function of the plugin could not do, said to its caller. The instance goes on."""


@contextmanager
def asking() -> Iterator[None]:
    """Raises HostError for what the host answers with an error."""
    try:
        yield
    except Err as refused:
        error = refused.value
        raise HostError(error.code.name.lower().replace("_", "-"), error.message) from None
