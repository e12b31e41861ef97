"""How values fill blocks (docs/abi.md, host functions, rule 3)."""

import json
from base64 import b64decode, b64encode
from enum import Enum
from typing import Any

from ._error import HostError

RECORDS: dict[type, tuple[tuple[str, str, Any], ...]] = {}
"""Of each dataclass its fields: the name in wit/, the name here, the shape."""


def encode_block(shape: Any, value: Any) -> bytes:
    """Strings and bytes as they are, options of them behind a byte, and the rest as JSON."""
    if shape == "string":
        return value.encode()
    if shape == "bytes":
        return bytes(value)
    if _is_plain_option(shape):
        return b"\x00" if value is None else b"\x01" + encode_block(shape[1], value)
    return json.dumps(_to_json(shape, value), separators=(",", ":"), ensure_ascii=False).encode()


def decode_answer(shape: Any, tagged: bytes) -> Any:
    """The value behind the tag. Raises HostError for an error."""
    if tagged[0] == 0:
        return _decode(shape, tagged[1:])
    error = json.loads(tagged[1:])
    raise HostError(error["code"], error["message"], error.get("reason"), error.get("retry-after-ms"))


def _decode(shape: Any, block: bytes) -> Any:
    if shape is None:
        return None
    if shape == "string":
        return block.decode()
    if shape == "bytes":
        return block
    if _is_plain_option(shape):
        return _decode(shape[1], block[1:]) if block[:1] == b"\x01" else None
    return _from_json(shape, json.loads(block))


def _is_plain_option(shape: Any) -> bool:
    return isinstance(shape, tuple) and shape[0] == "option" and shape[1] in ("string", "bytes")


def _to_json(shape: Any, value: Any) -> Any:
    if shape == "bytes":
        return b64encode(value).decode()
    if isinstance(shape, tuple):
        if shape[0] == "option":
            return None if value is None else _to_json(shape[1], value)
        return [_to_json(shape[1], item) for item in value]
    if isinstance(shape, type) and shape in RECORDS:
        return {wit: _to_json(inner, getattr(value, here)) for wit, here, inner in RECORDS[shape]}
    return value.value if isinstance(value, Enum) else value


def _from_json(shape: Any, value: Any) -> Any:
    if shape == "bytes":
        return b64decode(value)
    if isinstance(shape, tuple):
        if shape[0] == "option":
            return None if value is None else _from_json(shape[1], value)
        return [_from_json(shape[1], item) for item in value]
    if isinstance(shape, type) and shape in RECORDS:
        return shape(**{here: _from_json(inner, value.get(wit)) for wit, here, inner in RECORDS[shape]})
    return shape(value) if isinstance(shape, type) and issubclass(shape, Enum) else value
