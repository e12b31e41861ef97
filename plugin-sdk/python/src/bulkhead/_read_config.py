"""The configuration as a dataclass: the host gives texts, and JSON for what is none."""

import dataclasses
import json
from collections.abc import Iterator
from types import NoneType, UnionType
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from . import config
from ._error import Failure

_Shape = TypeVar("_Shape")


class _Unfit(Exception):
    """Says where, and what should be there."""


def read_config(shape: type[_Shape]) -> _Shape:
    """Reads a key for each field of a dataclass, by the field's type: texts, numbers, bool, None, Any, list, dict, Literal, unions and dataclasses of them. What was
    not configured, and has no default in the manifest, keeps the field's own. A key that is no name of Python stands in ``field(metadata={"key": "room-names"})``.

    Raises Failure, with the key, for a value of another type, and for one that is missing; HostError as ``config.get`` does.
    """
    values: dict[str, object] = {}
    for field, key, hint in _fields(shape):
        text = config.get(key)
        if text is not None:
            try:
                values[field.name] = _value(text, hint, f"config.{key}")
            except _Unfit as wrong:
                raise Failure(str(wrong)) from None
        elif _is_required(field):
            raise Failure(f"config.{key} is missing; write it in plugins.<name>.config")
    return shape(**values)


def _fields(shape: type) -> Iterator[tuple[dataclasses.Field[Any], str, Any]]:
    hints = get_type_hints(shape)
    for field in dataclasses.fields(shape):
        yield field, field.metadata.get("key", field.name), hints[field.name]


def _is_required(field: dataclasses.Field[Any]) -> bool:
    return field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING


def _value(text: str, hint: Any, where: str) -> object:
    """A text that is the JSON of something else is that where both fit."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return _fit(text, hint, where)
    if isinstance(value, str):
        return _fit(text, hint, where)
    try:
        return _fit(value, hint, where)
    except _Unfit as wrong:
        try:
            return _fit(text, hint, where)
        except _Unfit:
            raise wrong from None


def _fit(value: Any, hint: Any, where: str) -> Any:
    origin, of = get_origin(hint) or hint, get_args(hint)
    if origin is Any or origin is object:
        return value
    if origin is Union or origin is UnionType:
        return _first_fit(value, of, where)
    if origin is Literal:
        if any(value == one and type(value) is type(one) for one in of):
            return value
        raise _Unfit(f"{where} must be one of {', '.join(map(repr, of))}")
    if origin is list and isinstance(value, list):
        return [_fit(item, of[0] if of else Any, f"{where}.{index}") for index, item in enumerate(value)]
    if origin is dict and isinstance(value, dict):
        return {key: _fit(item, of[1] if of else Any, f"{where}.{key}") for key, item in value.items()}
    if dataclasses.is_dataclass(origin) and isinstance(value, dict):
        return _made(origin, value, where)
    if origin is float and type(value) is int:
        return float(value)
    if type(value) is (NoneType if origin is None else origin):
        return value
    raise _Unfit(f"{where} must be a {getattr(origin, '__name__', origin)}")


def _first_fit(value: Any, hints: tuple[Any, ...], where: str) -> Any:
    for hint in hints:
        try:
            return _fit(value, hint, where)
        except _Unfit:
            continue
    raise _Unfit(f"{where} must be a {' or a '.join(getattr(hint, '__name__', str(hint)) for hint in hints)}")


def _made(shape: Any, value: dict[str, Any], where: str) -> Any:
    values: dict[str, object] = {}
    for field, key, hint in _fields(shape):
        if key in value:
            values[field.name] = _fit(value[key], hint, f"{where}.{key}")
        elif _is_required(field):
            raise _Unfit(f"{where}.{key} is missing")
    return shape(**values)
