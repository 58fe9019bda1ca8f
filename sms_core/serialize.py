"""The model's values as JSON, and back: for the command's ``--json``, for queues and for files.

====================  =========================================================================================
value                 in JSON
====================  =========================================================================================
`Decimal`             a string, for a float would lose points
datetime, timedelta   ISO 8601 with its zone; seconds
an enum               its value
bytes                 base64
a tuple, a set        a list
a union               as its value's type says; what is a string in JSON comes back as a `str` where that is a member
`VendorOptions`       its fields beside ``"kind"``, the class's name with its package
an `SmsError`         ``{"type", "message", "code", "details"}``; ``details`` are its constructor's arguments but
                      for a send's ``result`` and a malformed ``response``, which are values of their own
`ProviderInfo`        what there is to know of it; it does not come back
`Sent`                its fields, of a plan its message; another error than an `SmsError` looks like one; nor does it
====================  =========================================================================================

The converters are this module's own; cattrs' global one stays as the application has it.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, TypeVar, get_args, get_origin

import attrs
import cattrs
from cattrs.gen import make_dict_structure_fn
from cattrs.strategies import configure_union_passthrough

from sms_core.caller_errors import ConfigurationError, SmsError
from sms_core.model import UnreadOptions, VendorOptions
from sms_core.moments import is_tellable
from sms_core.text import Encoding

T = TypeVar("T")

LARGEST_EXPONENT = 100
"""Of a `Decimal` that is read. Points are far smaller; ``1E+999999999`` written out would fill the memory."""
KIND = "kind"
"""Beside the fields of a vendor's options: the name of their class."""


def to_data(value: object) -> Any:
    """The value as dicts, lists, strings, numbers, booleans and None."""
    return _converter.unstructure(value)


def to_json(value: object, *, indent: int | None = None) -> str:
    """The value as JSON, Chinese as it is."""
    return json.dumps(to_data(value), ensure_ascii=False, indent=indent)


def from_data(data: Any, kind: type[T]) -> T:
    """The value of this class that `to_data` took apart. Raises `ConfigurationError` for what is none."""
    return _structure(_converter, data, kind)


def from_json(text: str, kind: type[T]) -> T:
    """The value of this class that `to_json` wrote. Raises `ConfigurationError` for what is none."""
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise _not_a(kind.__name__, error) from error
    return from_data(data, kind)


def from_error_data(data: Any, kind: type[T]) -> T:
    """The same for what an error holds, which may be a value already.

    An error must not fail to be made, so options that cannot be read here become `UnreadOptions`: their class is not
    imported, or of another version.
    """
    if isinstance(data, kind):
        return data
    return _structure(_error_converter, data, kind)


def register_unstructure(kind: type[T], unstructure: Callable[[T], Any]) -> None:
    """Say how values of this class become data, where their fields are not what others want to know."""
    for converter in (_converter, _error_converter):
        converter.register_unstructure_hook(kind, unstructure)


_MISFITS = (
    cattrs.BaseValidationError,
    cattrs.StructureHandlerNotFoundError,
    SmsError,
    ArithmeticError,
    AttributeError,
    LookupError,
    RecursionError,
    TypeError,
    ValueError,
)
"""What reading data raises that is no such value."""


def _structure(converter: cattrs.Converter, data: Any, kind: type[T]) -> T:
    try:
        return converter.structure(data, kind)
    except _MISFITS as error:
        raise _not_a(kind.__name__, error) from error


def _not_a(name: str, error: Exception) -> ConfigurationError:
    """The error for data that is no value of this class, with the words of our own error, or the name of another one.

    The text of that one may quote the data.
    """
    while isinstance(error, cattrs.BaseValidationError):  # a group, which holds one for each field that is wrong
        error = error.exceptions[0]
    reason = type(error).__name__
    if isinstance(error, SmsError):
        reason = str(error)
    return ConfigurationError(f"not a {name} in JSON: {reason}")


def _error_to_data(error: SmsError) -> dict[str, Any]:
    return {
        "type": type(error).__name__,
        "message": str(error),
        "code": getattr(error, "code", ""),
        "details": {name: getattr(error, name) for name in error.plain_fields},
    }


def _error_from_data(data: Any, _: object) -> SmsError:
    """An error of the class that was imported under this name; the text of one that was not, as an `SmsError`."""
    for kind in _subclasses(SmsError):
        if kind.__name__ == data["type"]:
            return kind(**data["details"])
    return SmsError(str(data["message"]))


def _options_to_data(options: VendorOptions) -> dict[str, Any]:
    if isinstance(options, UnreadOptions):
        return {KIND: options.kind, **options.fields}
    fields = [field for field in attrs.fields(type(options)) if field.init]
    values = {field.name: to_data(getattr(options, field.name)) for field in fields}
    return {KIND: _name_of(type(options)), **values}


def _subclasses(base: type[T]) -> Iterator[type[T]]:
    yield base
    for kind in base.__subclasses__():
        yield from _subclasses(kind)


def _name_of(kind: type[Any]) -> str:
    return f"{kind.__module__}.{kind.__qualname__}"


def _refuse_options(name: str, fields: Mapping[str, Any], error: Exception | None) -> VendorOptions:
    del fields
    if error is not None:
        raise _not_a(name, error) from error
    raise ConfigurationError(f"no imported package has the options {name!r}: import the one that has them first")


def _keep_options(name: str, fields: Mapping[str, Any], error: Exception | None) -> VendorOptions:
    del error
    return UnreadOptions(name, fields)


def _is_error(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, SmsError)


def _is_options(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, VendorOptions)


_ENCODINGS = {encoding.title: encoding for encoding in Encoding}
_COLLECTIONS: Mapping[Any, Callable[[list[Any]], Any]] = {
    tuple: tuple,
    list: list,
    set: set,
    frozenset: frozenset,
    Sequence: tuple,
}


def _is_collection(kind: Any) -> bool:
    """Whether a type is a collection of values of one type, of any length."""
    return get_origin(kind) in _COLLECTIONS and get_args(kind)[1:] in ((), (...,))


def _decimal_from_data(data: Any, _: object) -> Decimal:
    number = Decimal(data)
    if not number.is_finite() or abs(number.adjusted()) > LARGEST_EXPONENT:
        raise ValueError("no number of points")
    return number


def _datetime_from_data(data: Any, _: object) -> datetime:
    moment = datetime.fromisoformat(data)
    if moment.utcoffset() is None or not is_tellable(moment):
        raise ValueError("no time with its zone")
    return moment


UnreadableOptions = Callable[[str, Mapping[str, Any], Exception | None], VendorOptions]
"""What becomes of options of this class with these fields that cannot be read. If it is imported, an error says why."""


def _make_converter(unreadable: UnreadableOptions) -> cattrs.Converter:
    converter = cattrs.Converter(unstruct_collection_overrides={tuple: list, AbstractSet: list})
    structure_hooks: dict[type[VendorOptions], Callable[[Mapping[str, Any], Any], VendorOptions]] = {}

    def options_from_data(data: Any, _: object) -> VendorOptions:
        name = data[KIND]
        fields = {field: value for field, value in data.items() if field != KIND}
        # Only a class that was imported already is found: data never chooses what is imported.
        kind = next((found for found in _subclasses(VendorOptions) if _name_of(found) == name), None)
        if kind is None:
            return unreadable(name, fields, None)
        try:
            if kind not in structure_hooks:
                structure_hooks[kind] = make_dict_structure_fn(kind, converter, _cattrs_forbid_extra_keys=True)
            return structure_hooks[kind](fields, kind)
        except _MISFITS as error:
            return unreadable(name, fields, error)

    def collection_hook(kind: Any) -> Callable[[Any, Any], Any]:
        collect = _COLLECTIONS[get_origin(kind)]
        member = get_args(kind)[0]
        structure = converter.get_structure_hook(member)

        def collection_from_data(data: Any, _: object) -> Any:
            if not isinstance(data, list):  # cattrs would take a text for its characters
                raise TypeError("not a list")
            return collect([structure(value, member) for value in data])

        return collection_from_data

    converter.register_structure_hook_factory(_is_collection, collection_hook)
    # What JSON itself tells apart, such as ``int | str``, comes back as it is.
    configure_union_passthrough(str | bool | int | float | None, converter)
    converter.register_unstructure_hook(Decimal, str)
    converter.register_structure_hook(Decimal, _decimal_from_data)
    converter.register_unstructure_hook(datetime, datetime.isoformat)
    converter.register_structure_hook(datetime, _datetime_from_data)
    converter.register_unstructure_hook(timedelta, timedelta.total_seconds)
    converter.register_structure_hook(timedelta, lambda data, _: timedelta(seconds=data))
    converter.register_unstructure_hook(bytes, lambda content: base64.b64encode(content).decode("ascii"))
    converter.register_structure_hook(bytes, lambda data, _: base64.b64decode(data, validate=True))
    converter.register_unstructure_hook(Encoding, lambda encoding: encoding.title)
    converter.register_structure_hook(Encoding, lambda data, _: _ENCODINGS[data])
    converter.register_unstructure_hook_func(_is_error, _error_to_data)
    converter.register_structure_hook_func(_is_error, _error_from_data)
    converter.register_unstructure_hook_func(_is_options, _options_to_data)
    converter.register_structure_hook_func(_is_options, options_from_data)
    return converter


_converter = _make_converter(_refuse_options)
_error_converter = _make_converter(_keep_options)
