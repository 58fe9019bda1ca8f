"""JSON answers: text as plain values, and a JSON object as an attrs class, one error for whatever is wrong with it.

Vendors write a number where their document has a string, and the other way round; null or nothing where a field is
empty; ``"True"`` for true. A class that says what it reads gets it in its own types.
"""

from __future__ import annotations

import json
from typing import Any, TypeVar

import attrs
from cattrs import Converter
from cattrs.errors import BaseValidationError

from sms_core.errors import MalformedResponse

AttrsT = TypeVar("AttrsT", bound=attrs.AttrsInstance)

_BOOLEANS = {"true": True, "1": True, "false": False, "0": False}


def parse_json(text: str) -> Any:
    """The value of a JSON text. Raises `MalformedResponse`."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise MalformedResponse(f"not JSON ({type(error).__name__})") from error


def structure_json(value: object, kind: type[AttrsT]) -> AttrsT:
    """The attrs class made of a JSON object; fields that it has not are left out. Raises `MalformedResponse`.

    A `str` takes numbers too, and "" for null; a `bool` takes ``true`` ``1`` ``false`` ``0``, in any case, quoted or not.
    """
    if not isinstance(value, dict):
        raise MalformedResponse("not a JSON object")
    try:
        return _converter.structure(value, kind)
    except (
        BaseValidationError,
        MalformedResponse,
        ArithmeticError,
        AttributeError,
        KeyError,
        TypeError,
        ValueError,
    ) as error:
        names = ", ".join(field.name for field in attrs.fields(kind))
        raise MalformedResponse(f"not a JSON object of {names} ({type(error).__name__})") from None


def plain_text(value: object) -> str:
    """A string of a JSON answer; a number in its place as text, and "" for null. Raises `MalformedResponse`."""
    if isinstance(value, str):
        return value
    if isinstance(value, dict | list):
        raise MalformedResponse("no plain value")
    return "" if value is None else str(value)


def _read_str(value: object, _: object) -> str:
    return plain_text(value)


def _read_bool(value: object, _: object) -> bool:
    return _BOOLEANS[str(value).strip().lower()]


_converter = Converter(detailed_validation=False)
_converter.register_structure_hook(str, _read_str)
_converter.register_structure_hook(bool, _read_bool)
