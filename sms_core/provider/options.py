"""Options that come as text, from a DSN or a command line, as the typed values of an attrs class.

===========================  ==========================================================================
type of the field            text
===========================  ==========================================================================
`str`, `bytes`               as it is; bytes as UTF-8
`bool`                       ``true`` ``yes`` ``on`` ``1``, ``false`` ``no`` ``off`` ``0``, in any case
`int`                        a whole number, negative ones too
`float`, `Decimal`           a number, negative ones too; not ``inf`` and not ``nan``
`Literal`, an `Enum`         one of its values, an enum's names too; another case will do
`timedelta`                  ``90s``, ``30m``, ``4h``, ``2d``; a number alone is seconds
`datetime`                   ISO 8601; Taipei's time where it names no zone
`tuple`, `list`, `set` …     values separated by commas; an empty text is an empty one
``X | Y``                    the first of them that takes the text, `str` last
``X | None``                 the same; an empty text that nothing else takes is None
===========================  ==========================================================================

What a field may not be beyond its type, such as negative, its class says by a validator.
"""

from __future__ import annotations

import difflib
import math
import re
import types
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from enum import Enum
from functools import cache
from typing import Any, Literal, NewType, NoReturn, TypeVar, Union, get_args, get_origin, get_type_hints

import attrs
import cattrs

from sms_core.errors import ConfigurationError
from sms_core.provider.times import parse_time
from sms_core.serialize import LARGEST_EXPONENT

T = TypeVar("T")

_TRUE = frozenset({"true", "yes", "on", "1"})
_FALSE = frozenset({"false", "no", "off", "0"})

_SPAN = re.compile(r"(-?\d+(?:\.\d+)?)([smhd]?)", re.ASCII)
_UNITS = {"": "seconds", "s": "seconds", "m": "minutes", "h": "hours", "d": "days"}

_UNIONS = (Union, types.UnionType)
_COLLECTIONS: Mapping[Any, Callable[[Iterable[Any]], Any]] = {
    tuple: tuple,
    list: list,
    set: set,
    frozenset: frozenset,
    Sequence: tuple,
}


class _WrongText(ValueError):
    """The text is nothing of the type. Its own text goes on after the option's name: ``needs a whole number``."""


def option_names(kind: type[Any]) -> tuple[str, ...]:
    """The options that a class has: its fields, without the ``_`` that keeps one apart from a word of Python."""
    return tuple(_fields(kind))


def read_options(kind: type[T], pairs: Mapping[str, str], *, what: str = "option") -> T:
    """The attrs class made of these options; a field that is not among them keeps its default.

    Raises `ConfigurationError` that names the option, called ``what``, and says what would be right. It does not repeat
    the value, which may be a secret.
    """
    fields = _fields(kind)
    hooks = _hooks(kind, [fields[name] for name in pairs if name in fields])
    values: dict[str, Any] = {}
    for name, text in pairs.items():
        if name not in fields:
            raise ConfigurationError(f"there is {no_such_option(name, fields, what)}")
        try:
            values[name] = hooks[name](text)
        except _WrongText as error:
            raise ConfigurationError(f"{what} {name!r} {error}") from None
    for name, field in fields.items():
        if name not in values and field.default is attrs.NOTHING:
            raise ConfigurationError(f"{what} {name!r} is missing")
    try:
        return kind(**{_argument(fields[name]): value for name, value in values.items()})
    except (ArithmeticError, TypeError, ValueError, ConfigurationError) as error:
        raise _refused(error, {name: fields[name] for name in values}, values, what) from None


def check_options(kind: type[Any]) -> None:
    """Raise `ConfigurationError` for a field of a type that no text can be read as."""
    _hooks(kind, _fields(kind).values())


def no_such_option(name: str, known: Iterable[str], what: str) -> str:
    """Words for an option that is not known: ``no option 'page': did you mean 'pages'?``."""
    names = list(known)
    close = difflib.get_close_matches(name, names, 1)
    hint = f"did you mean {close[0]!r}?" if close else f"there are {', '.join(names) or 'none'}"
    return f"no {what} {name!r}: {hint}"


def _fields(kind: type[Any]) -> dict[str, attrs.Attribute[Any]]:
    """The fields of a class by the names of their options."""
    if not attrs.has(kind):
        raise ConfigurationError(f"{kind.__name__} is no attrs class, so no options can be read for it")
    return {_option(field): field for field in attrs.fields(kind) if field.init}


def _argument(field: attrs.Attribute[Any]) -> str:
    return field.alias or field.name


def _option(field: attrs.Attribute[Any]) -> str:
    return _argument(field).removesuffix("_")


@cache
def _hints(kind: type[Any]) -> dict[str, Any]:
    """The types of a class's fields, kept: each is compiled to be read, which took a fifth of the time of `connect()`."""
    return get_type_hints(kind)


def _hooks(kind: type[Any], fields: Iterable[attrs.Attribute[Any]]) -> dict[str, Callable[[str], Any]]:
    """How the text of each of these fields becomes its value, by the names of their options."""
    try:
        hints = _hints(kind)  # type: ignore[arg-type]  # a class is hashable, whatever mypy says of its metaclass
    except NameError as error:
        raise ConfigurationError(f"the types of {kind.__name__} cannot be read: {error}") from error
    hooks = {}
    for field in fields:
        field_type = hints.get(field.name, str)
        try:
            hooks[_option(field)] = _hook(field_type)
        except cattrs.StructureHandlerNotFoundError:
            shown = str(field_type)
            if isinstance(field_type, type):
                shown = field_type.__name__
            reason = f"no text can be read as its type, {shown}"
            raise ConfigurationError(f"{kind.__name__}.{field.name} is no option: {reason}") from None
    return hooks


def _hook(kind: Any) -> Callable[[str], Any]:
    """How a text becomes a value of this type. Raises `cattrs.StructureHandlerNotFoundError`."""
    structure = _converter.get_structure_hook(kind)
    return lambda text: structure(text, kind)


def _refused(
    error: Exception, fields: Mapping[str, attrs.Attribute[Any]], values: Mapping[str, Any], what: str
) -> ConfigurationError:
    """What a validator or a converter of the class said, with the option's name and without its value."""
    words = type(error).__name__
    if error.args:
        words = _without_values(str(error.args[0]), values.values())
    if words.startswith(what):  # it names the option already
        return ConfigurationError(words)
    named = [name for name, field in fields.items() if repr(field.name) in words]
    checked = [name for name, field in fields.items() if field.validator or field.converter]
    names = named or checked or list(fields)
    for name in named:
        words = words.removeprefix(f"{fields[name].name!r} ")
    options = " or ".join(map(repr, names))
    if words[:1].islower():  # as our own words, which go on after the name
        return ConfigurationError(f"{what} {options} {words}")
    return ConfigurationError(f"{what} {options}: {words}")


def _without_values(words: str, values: Iterable[Any]) -> str:
    """What attrs' own validators write ends with the value: ``'retries' must be >= 0: -1``. Others may quote it."""
    for value in values:
        for ending in (f": {value}", f" (got {value!r})", f" ({value!r} doesn't)"):
            words = words.removesuffix(ending)
        if isinstance(value, str) and _holds(words, value):
            return "has a value that is not allowed"
    return words


def _holds(words: str, value: str) -> bool:
    return bool(value) and re.search(rf"(?<!\w){re.escape(value)}(?!\w)", words) is not None


def _read_bool(text: str, _: object) -> bool:
    word = text.strip().lower()
    if word not in _TRUE | _FALSE:
        raise _WrongText("is true or false")
    return word in _TRUE


def _read_int(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise _WrongText("needs a whole number") from None


def _read_float(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise _WrongText("needs a number")
    return number


def _read_decimal(text: str, _: object) -> Decimal:
    try:
        number = Decimal(text)
    except ArithmeticError:
        number = Decimal("nan")
    if not number.is_finite() or abs(number.adjusted()) > LARGEST_EXPONENT:
        raise _WrongText("needs a number")
    return number


def _read_timedelta(text: str, _: object) -> timedelta:
    found = _SPAN.fullmatch(text.strip())
    if found is None:
        raise _WrongText("needs a length of time such as 90s, 30m, 4h or 2d")
    try:
        return timedelta(**{_UNITS[found[2]]: float(found[1])})
    except OverflowError:
        raise _WrongText(f"needs a length of time of less than {timedelta.max.days} days") from None


def _read_datetime(text: str, _: object) -> datetime:
    try:
        moment = parse_time(text)
    except ValueError:
        moment = None
    if moment is None:
        raise _WrongText("needs a time such as 2026-12-31T09:00, Taipei's unless it names a zone")
    return moment


def _choose(choices: Mapping[str, Any], text: str, shown: Iterable[str]) -> Any:
    """The choice with this label; where none has it, the first that has it in another case."""
    if text in choices:
        return choices[text]
    for label, choice in choices.items():
        if label.casefold() == text.casefold():
            return choice
    raise _WrongText(f"is one of {', '.join(filter(None, shown))}")


def _read_literal(text: str, kind: Any) -> Any:
    choices = {str(_label(choice)): choice for choice in get_args(kind)}
    return _choose(choices, text, choices)


def _read_enum(text: str, kind: type[Enum]) -> Enum:
    by_value = {str(member.value): member for member in kind}
    member: Enum = _choose({**kind.__members__, **by_value}, text, by_value)
    return member


def _label(choice: object) -> object:
    return choice.value if isinstance(choice, Enum) else choice


def _is_enum(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, Enum)


def _or_enum(read: Callable[[str], Any]) -> Callable[[str, Any], Any]:
    """The hook of `str`, `int` or `float`, by which cattrs finds their subclasses too: an enum, or another."""

    def hook(text: str, kind: Any) -> Any:
        return _read_enum(text, kind) if _is_enum(kind) else kind(read(text))

    return hook


def _make_union_hook(kind: Any) -> Callable[[str, Any], Any]:
    """A union takes what its first member takes. A member that no text can be read as is left out."""
    hooks = []
    for member in sorted(get_args(kind), key=lambda member: member is str):  # a str takes everything, so it comes last
        try:
            if member is not types.NoneType:
                hooks.append(_hook(member))
        except cattrs.StructureHandlerNotFoundError:
            continue
    if not hooks:
        _make_no_hook(kind)
    optional = types.NoneType in get_args(kind)

    def hook(text: str, _: object) -> Any:
        needs = []
        for read in hooks:
            try:
                return read(text)
            except _WrongText as error:
                needs.append(str(error))
        if optional and not text.strip():
            return None
        raise _WrongText(" or ".join(needs))

    return hook


def _outer(kind: Any) -> Any:
    """``tuple`` of ``tuple[int, ...]``; what is no generic type is its own."""
    return get_origin(kind) or kind


def _is_collection(kind: Any) -> bool:
    return _outer(kind) in _COLLECTIONS


def _make_collection_hook(kind: Any) -> Callable[[str, Any], Any]:
    """Values of one type separated by commas; commas cannot nest."""
    collect = _COLLECTIONS[_outer(kind)]
    item, *more = get_args(kind) or (str,)
    if more not in ([], [...]) or _is_collection(item):
        _make_no_hook(kind)
    read = _hook(item)

    def hook(text: str, _: object) -> Any:
        if not text.strip():
            return collect([])
        try:
            return collect([read(part.strip()) for part in text.split(",")])
        except _WrongText as error:
            raise _WrongText(f"needs values separated by commas, and each {error}") from None

    return hook


def _make_no_hook(kind: Any) -> NoReturn:
    raise cattrs.StructureHandlerNotFoundError("no text can be read as this", kind)


def _make_converter() -> cattrs.Converter:
    converter = cattrs.Converter()
    # Of what cattrs finds by rules of its own, only a NewType makes sense for text. The later rule goes first.
    converter.register_structure_hook_factory(lambda kind: not isinstance(kind, NewType), _make_no_hook)
    converter.register_structure_hook_factory(lambda kind: _outer(kind) in _UNIONS, _make_union_hook)
    converter.register_structure_hook_factory(_is_collection, _make_collection_hook)
    converter.register_structure_hook_func(_is_enum, _read_enum)
    converter.register_structure_hook_func(lambda kind: _outer(kind) is Literal, _read_literal)
    converter.register_structure_hook(str, _or_enum(str))
    converter.register_structure_hook(int, _or_enum(_read_int))
    converter.register_structure_hook(float, _or_enum(_read_float))
    converter.register_structure_hook(bool, _read_bool)
    converter.register_structure_hook(bytes, lambda text, _: text.encode())
    converter.register_structure_hook(Decimal, _read_decimal)
    converter.register_structure_hook(timedelta, _read_timedelta)
    converter.register_structure_hook(datetime, _read_datetime)
    return converter


_converter = _make_converter()
