"""The model's values as JSON, and back: for the command's ``--json``, for queues and for files.

====================  ====================================================================================
value                 in JSON
====================  ====================================================================================
`Decimal`             a string, for a float would lose points
datetime, timedelta   ISO 8601 with its zone; seconds
an enum               its value
bytes                 base64
`VendorOptions`       its fields beside ``"kind"``, the class's name with its package
an `SmsError`         ``{"type", "message", "code", "details"}``; numbers masked, a send's ``result`` left out
`ProviderInfo`        what there is to know of it; it does not come back
====================  ====================================================================================

The converter is this module's own; cattrs' global one stays as the application has it.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, TypeVar

import attrs
import cattrs

from sms_core.errors import ConfigurationError, SendError, SmsError, VendorError
from sms_core.masking import mask_numbers
from sms_core.model import VendorOptions
from sms_core.provider.info import ProviderInfo
from sms_core.text import Encoding

T = TypeVar("T")

_ELSEWHERE = frozenset({"code", "result", "response"})
"""Attributes of errors that are no details: one stands beside them, the others are values of their own."""


def to_data(value: object) -> Any:
    """The value as dicts, lists, strings, numbers, booleans and None."""
    return _converter.unstructure(value)


def to_json(value: object, *, indent: int | None = None) -> str:
    """The value as JSON, Chinese as it is."""
    return json.dumps(to_data(value), ensure_ascii=False, indent=indent)


def from_data(data: Any, kind: type[T]) -> T:
    """The value of this class that `to_data` took apart. Raises `ConfigurationError` for what is none."""
    try:
        return _converter.structure(data, kind)
    except (cattrs.BaseValidationError, SmsError, ArithmeticError, LookupError, TypeError, ValueError) as error:
        raise ConfigurationError(f"not a {kind.__name__} in JSON ({type(error).__name__})") from error


def from_json(text: str, kind: type[T]) -> T:
    """The value of this class that `to_json` wrote. Raises `ConfigurationError` for what is none."""
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ConfigurationError(f"not a {kind.__name__} in JSON ({type(error).__name__})") from error
    return from_data(data, kind)


def _is_simple(value: object) -> bool:
    return value is None or isinstance(value, str | int | float | bool)


def _error_to_data(error: SmsError) -> dict[str, Any]:
    details = {
        name: mask_numbers(value) if isinstance(value, str) else value
        for name, value in vars(error).items()
        if name not in _ELSEWHERE and not name.startswith("_") and _is_simple(value)
    }
    return {
        "type": type(error).__name__,
        "message": str(error),
        "code": getattr(error, "code", ""),
        "details": details,
    }


def _error_from_data(data: Any, _: object) -> SmsError:
    """An error as it was, but for its result. Its attributes come from the data, not from a constructor.

    A vendor's error that was raised by a send, and so is a `SendError` too, comes back as the vendor's alone.
    """
    kinds = (one for one in _kinds_of(SmsError) if not issubclass(one, VendorError) or not issubclass(one, SendError))
    found = next((one for one in kinds if one.__name__ == data["type"]), SmsError)
    error = found.__new__(found)
    error.args = (str(data["message"]),)
    details = {name: value for name, value in data["details"].items() if _is_simple(value)}
    vars(error).update({"result": None, "response": None, "code": str(data["code"]), **details})
    return error


def _options_to_data(options: VendorOptions) -> dict[str, Any]:
    fields = {one.name: to_data(getattr(options, one.name)) for one in attrs.fields(type(options))}
    return {"kind": _name_of(type(options)), **fields}


def _options_from_data(data: Any, _: object) -> VendorOptions:
    """Only a class that was imported already is found: data never chooses what is imported."""
    fields = {name: value for name, value in data.items() if name != "kind"}
    for kind in _kinds_of(VendorOptions):
        if _name_of(kind) == data["kind"]:
            return kind(**fields)
    raise ConfigurationError(f"no imported package has the options {data['kind']!r}")


def _kinds_of(base: type[T]) -> Iterator[type[T]]:
    yield base
    for one in base.__subclasses__():
        yield from _kinds_of(one)


def _name_of(kind: type[Any]) -> str:
    return f"{kind.__module__}.{kind.__qualname__}"


def _option_names(kind: type[Any] | None) -> list[str]:
    return [] if kind is None else [one.name for one in attrs.fields(kind)]


def _info_to_data(info: ProviderInfo) -> dict[str, Any]:
    return {
        "name": info.name,
        "title": info.title,
        "capabilities": sorted(one.value for one in info.capabilities),
        "limits": to_data(info.limits),
        "default_host": info.default_host,
        "dsn_options": _option_names(info.account_options),
        "send_options": _option_names(info.send_options),
        "tariff": to_data(info.tariff),
    }


def _is_error(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, SmsError)


def _is_options(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, VendorOptions)


def _make_converter() -> cattrs.Converter:
    converter = cattrs.Converter()
    converter.register_unstructure_hook(Decimal, str)
    converter.register_structure_hook(Decimal, lambda data, _: Decimal(data))
    converter.register_unstructure_hook(datetime, datetime.isoformat)
    converter.register_structure_hook(datetime, lambda data, _: datetime.fromisoformat(data))
    converter.register_unstructure_hook(timedelta, timedelta.total_seconds)
    converter.register_structure_hook(timedelta, lambda data, _: timedelta(seconds=data))
    converter.register_unstructure_hook(bytes, lambda content: base64.b64encode(content).decode("ascii"))
    converter.register_structure_hook(bytes, lambda data, _: base64.b64decode(data, validate=True))
    converter.register_unstructure_hook(Encoding, lambda encoding: encoding.title)
    converter.register_structure_hook(Encoding, lambda data, _: next(one for one in Encoding if one.title == data))
    converter.register_unstructure_hook(ProviderInfo, _info_to_data)
    converter.register_unstructure_hook_func(_is_error, _error_to_data)
    converter.register_structure_hook_func(_is_error, _error_from_data)
    converter.register_unstructure_hook_func(_is_options, _options_to_data)
    converter.register_structure_hook_func(_is_options, _options_from_data)
    return converter


_converter = _make_converter()
