"""JSON in and out of a plugin: the standard library's, but that it neither writes nor takes what is no JSON."""

import json
from collections.abc import Iterator
from math import isfinite
from typing import Any

from ._error import Failure


def loads(text: str) -> Any:
    """Raises Failure for what is no JSON, NaN and Infinity among it, and for what is nested too deeply."""
    try:
        return json.loads(text, parse_constant=_no_number)
    except RecursionError as wrong:
        raise Failure("the input is JSON that is nested too deeply") from wrong
    except ValueError as wrong:
        raise Failure("the input is no JSON text") from wrong


def dumps(value: Any) -> bytes:
    """JSON as every SDK writes it: without spaces, in UTF-8, a lone surrogate as its escape. Raises TypeError or ValueError, with the path, for what has no form there."""
    try:
        text = json.dumps(value, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    except (TypeError, ValueError) as wrong:
        problem = next(_problems(value, ()), None)
        if problem is None:
            raise
        raise type(wrong)(problem) from None
    try:
        return text.encode()
    except UnicodeEncodeError:
        return json.dumps(value, separators=(",", ":"), allow_nan=False).encode()


def _no_number(name: str) -> None:
    raise ValueError(f"{name} is no JSON")


def _problems(value: Any, path: tuple[object, ...]) -> Iterator[str]:
    """What in a value has no form in JSON, each with its path."""
    where = ".".join(map(str, path)) or "the value"
    if isinstance(value, float) and not isfinite(value):
        yield f"{where} is {value}, which JSON has no form for"
    elif isinstance(value, dict):
        for key, item in value.items():
            if not isinstance(key, str | int | float | bool | None):
                yield f"{where} has a key that is a {type(key).__name__}, which JSON has no form for"
            elif isinstance(key, float) and not isfinite(key):
                yield f"{where} has the key {key}, which JSON has no form for"
            yield from _problems(item, (*path, key))
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            yield from _problems(item, (*path, index))
    elif not isinstance(value, str | int | float | None):
        yield f"{where} is a {type(value).__name__}, which JSON has no form for"
