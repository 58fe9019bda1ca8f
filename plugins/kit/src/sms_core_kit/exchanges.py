"""The exchange files: an operation, the request it must become, the recorded answer, and what that must give.

A folder of TOML files. The reference, with an example that runs, is ``docs/conformance.md``.
"""

from __future__ import annotations

import base64
import tomllib
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Literal, TypeVar, get_args

import attrs
import cattrs
from attrs import field, frozen
from cattrs.gen import make_dict_structure_fn, override

from sms_core import errors
from sms_core.errors import InvalidMessage, SmsError
from sms_core.model import Message, Recipient, VendorOptions
from sms_core.provider import ProviderInfo
from sms_core_kit.wires import PushRequest, PushResponse, Wire

T = TypeVar("T")

Operation = Literal["send", "preview", "balance", "check", "reports", "inbound", "cancel", "settle", "logout"]
OPERATIONS: tuple[str, ...] = get_args(Operation)
_WITH_MESSAGE = frozenset({"send", "preview", "settle"})
_WITH_BATCH = frozenset({"reports", "inbound", "cancel"})
_WITHOUT_RESULT = frozenset({"check", "logout"})


class ExchangeFileError(ValueError):
    """An exchange file that cannot be used: which file, which exchange, which key."""


@frozen
class Arguments:
    """What an operation without a message asks about. ``numbers`` (E.164) are the batch's recipients, if known."""

    batch_id: str = ""
    mms: bool = False
    numbers: tuple[str, ...] = ()
    known_batches: tuple[str, ...] = ()


@frozen(kw_only=True)
class Recorded:
    """What an exchange and a push have in common."""

    file: str
    document: str
    name: str
    section: str
    options: dict[str, str] = field(factory=dict)

    def __str__(self) -> str:
        return f"{self.file}::{self.name}"

    def told(self, found: Sequence[str]) -> str:
        """What was found wrong, and where the document has it."""
        return "\n".join([*found, f"see {self.document}: {self.section}"])


@frozen(kw_only=True)
class RecordedExchange(Recorded):
    """One exchange. ``file`` and ``document`` come from its file, everything else from its table."""

    operation: Operation
    now: datetime | None = None
    message: Message | None = None
    arguments: Arguments = Arguments()
    wire: tuple[Wire, ...] = ()
    result: Any = None
    error: dict[str, Any] | None = None

    def __attrs_post_init__(self) -> None:
        _require(self.section, "section", "says where the document has this")
        _require((self.message is not None) == (self.operation in _WITH_MESSAGE), "message", _message_rule())
        _require(bool(self.arguments.batch_id) == (self.operation in _WITH_BATCH), "arguments.batch_id", _batch_rule())
        if self.operation in _WITHOUT_RESULT:
            _require(self.result is None, "result", f"is nothing that {self.operation} gives")
        else:
            _require((self.result is None) != (self.error is None), "result", "or error: exactly one of them")
        _check_error(self.error)

    @property
    def succeeds(self) -> bool:
        """Whether it gives a result."""
        return self.error is None


@frozen(kw_only=True)
class RecordedCallback(Recorded):
    """One push of the vendor, and the events that it must give or the error that must refuse it."""

    request: PushRequest
    events: tuple[dict[str, Any], ...] = ()
    response: PushResponse = field(factory=PushResponse)
    error: dict[str, Any] | None = None

    def __attrs_post_init__(self) -> None:
        _require(self.section, "section", "says where the document has this")
        _require(bool(self.events) != bool(self.error), "events", "or error: exactly one of them")
        kinds = {event.get("kind") for event in self.events}
        _require(kinds <= {"report", "inbound"}, "events.kind", "is report or inbound")
        _check_error(self.error)


@frozen
class Book:
    """All that the files hold."""

    exchanges: tuple[RecordedExchange, ...] = ()
    callbacks: tuple[RecordedCallback, ...] = ()


def load_book(folder: Path, info: ProviderInfo) -> Book:
    """Read every ``*.toml`` of a folder. Raises `ExchangeFileError`."""
    files = sorted(folder.glob("*.toml"))
    if not files:
        raise ExchangeFileError(f"{folder}: has no exchange files, such as sends.toml")
    converter = _make_converter(info)
    book = Book()
    for file in files:
        found = _read(file, converter)
        book = Book(book.exchanges + found.exchanges, book.callbacks + found.callbacks)
    return book


def _read(file: Path, converter: cattrs.Converter) -> Book:
    try:
        data = tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ExchangeFileError(f"{file.name}: {error}") from error
    if unknown := set(data) - {"document", "exchange", "callback"}:
        raise ExchangeFileError(f"{file.name}: unknown key {_listed(unknown)}; there are document, exchange, callback")
    if not isinstance(data.get("document"), str):
        raise ExchangeFileError(f"{file.name}: the key document names the vendor's document, as text")
    common = {"file": file.stem, "document": data["document"]}
    exchanges, callbacks = (_tables(file, data, kind) for kind in ("exchange", "callback"))
    return Book(
        tuple(
            _structure(file, common | _resolved(file, one, exchanges), RecordedExchange, converter)
            for one in exchanges.values()
        ),
        tuple(_structure(file, common | one, RecordedCallback, converter) for one in callbacks.values()),
    )


def _tables(file: Path, data: Mapping[str, Any], kind: str) -> dict[str, dict[str, Any]]:
    """The tables of a kind by their names, which tell them apart."""
    found: dict[str, dict[str, Any]] = {}
    for position, one in enumerate(data.get(kind, ()), 1):
        name = one.get("name") if isinstance(one, dict) else None
        if not isinstance(name, str) or not name:
            raise ExchangeFileError(f"{file.name}: {kind} number {position} has no name")
        if name in found:
            raise ExchangeFileError(f"{file.name}::{name}: there are two {kind}s of this name")
        found[name] = one
    return found


def _resolved(file: Path, own: dict[str, Any], others: Mapping[str, dict[str, Any]]) -> dict[str, Any]:
    """An exchange ``like`` another: that one, but for its result, with this one's keys and this one's last answer."""
    if "like" not in own:
        return own
    where = f"{file.name}::{own['name']}"
    other = others.get(own["like"])
    if other is None:
        raise ExchangeFileError(f"{where}: like: no exchange of this file has the name {own['like']!r}")
    if "like" in other:
        raise ExchangeFileError(f"{where}: like: {own['like']!r} is like another itself")
    rest = {name: value for name, value in other.items() if name not in {"result", "error"}}
    merged = rest | {name: value for name, value in own.items() if name not in {"like", "answer"}}
    if "answer" in own:
        if "wire" in own or not rest.get("wire"):
            raise ExchangeFileError(f"{where}: answer: takes the place of the last one of {own['like']!r}")
        merged["wire"] = [*rest["wire"][:-1], {**rest["wire"][-1], "answer": own["answer"]}]
    return merged


def _structure(file: Path, data: Mapping[str, Any], kind: type[T], converter: cattrs.Converter) -> T:
    try:
        return converter.structure(data, kind)
    except cattrs.BaseValidationError as error:
        reasons = "; ".join(cattrs.transform_error(error, path="", format_exception=_in_words))
        raise ExchangeFileError(f"{file.name}::{data['name']}: {reasons}") from error


def _in_words(error: BaseException, _: object) -> str:
    match error:
        case cattrs.errors.ForbiddenExtraKeysError():
            known = [one.name for one in attrs.fields(error.cl)] if attrs.has(error.cl) else []
            return f"unknown key {_listed(error.extra_fields)}; there are {', '.join(known)}"
        case KeyError():
            return f"the key {error.args[0]!r} is missing"
        case _:
            return str(error)


def _listed(names: set[str]) -> str:
    return ", ".join(map(repr, sorted(names)))


def _require(holds: object, key: str, rule: str) -> None:
    if not holds:
        raise ValueError(f"{key} {rule}")


def _message_rule() -> str:
    return f"is what {', '.join(sorted(_WITH_MESSAGE))} have, and no other operation"


def _batch_rule() -> str:
    return f"is what {', '.join(sorted(_WITH_BATCH))} have, and no other operation"


def _check_error(error: Mapping[str, Any] | None) -> None:
    if error is None:
        return
    name = error.get("type")
    found = getattr(errors, name, None) if isinstance(name, str) else None
    known = isinstance(found, type) and issubclass(found, SmsError)
    _require(known, "error.type", f"is the name of an error of sms_core, not {name!r}")


def _make_converter(info: ProviderInfo) -> cattrs.Converter:
    """Strict in everything: a typing error in a file must not become a check that checks nothing."""
    converter = cattrs.Converter(forbid_extra_keys=True)
    for kind in (str, int, bool):
        converter.register_structure_hook(kind, _exactly)
    converter.register_structure_hook(datetime, _moment)
    converter.register_structure_hook(timedelta, lambda seconds, _: timedelta(seconds=seconds))
    converter.register_structure_hook(bytes, lambda text, _: base64.b64decode(text, validate=True))
    converter.register_structure_hook(dict[str, str] | str, lambda value, _: _fields(value))
    options = info.send_options
    converter.register_structure_hook_func(
        lambda kind: kind is VendorOptions, lambda data, _: _vendor_options(data, options, converter)
    )
    of_tables = make_dict_structure_fn(
        Recipient, converter, params=override(struct_hook=lambda table, _: tuple(table.items()))
    )
    converter.register_structure_hook(
        Recipient, lambda one, kind: Recipient(one) if isinstance(one, str) else of_tables(one, kind)
    )
    of_messages = make_dict_structure_fn(
        Message,
        converter,
        to=override(struct_hook=lambda to, _: converter.structure(_several(to), tuple[Recipient, ...])),
        options=override(struct_hook=lambda one, _: (converter.structure(one, VendorOptions),)),
    )
    converter.register_structure_hook(Message, of_messages)
    written = override(struct_hook=lambda table, _: {name: _written(value) for name, value in table.items()})
    rows = override(struct_hook=lambda tables, _: tuple(tables))
    exchanges = make_dict_structure_fn(RecordedExchange, converter, options=written)
    converter.register_structure_hook(RecordedExchange, exchanges)
    callbacks = make_dict_structure_fn(RecordedCallback, converter, options=written, events=rows)
    converter.register_structure_hook(RecordedCallback, callbacks)
    return converter


def _exactly(value: object, kind: type[Any]) -> Any:
    if type(value) is not kind:
        raise ValueError(f"needs {kind.__name__}, not {value!r}")
    return value


def _moment(value: object, _: object) -> datetime:
    if not isinstance(value, datetime) or value.utcoffset() is None:
        raise ValueError(f"needs a time with its zone, such as 2026-01-02T03:04:05+08:00, not {value!r}")
    return value


def _fields(value: object) -> dict[str, str] | str:
    if isinstance(value, str) or (isinstance(value, dict) and all(isinstance(one, str) for one in value.values())):
        return value
    raise ValueError("needs text, or a table of texts")


def _several(to: Any) -> Any:
    return to if isinstance(to, list) else [to]


def _written(value: object) -> str:
    """A DSN option as a DSN has it."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _vendor_options(data: Any, kind: type[VendorOptions] | None, converter: cattrs.Converter) -> VendorOptions:
    if kind is None:
        raise InvalidMessage("options", "is nothing that this provider has")
    return converter.structure(data, kind)
