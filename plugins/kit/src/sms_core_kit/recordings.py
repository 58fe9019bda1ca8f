"""The recordings: an operation, the request it must become, the recorded answer, and what that must give.

A folder of TOML files. The reference, with an example that runs, is ``docs/conformance.md``.
"""

from __future__ import annotations

import base64
import tomllib
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Literal, TypeVar, get_args

import attrs
import cattrs
from attrs import field, frozen
from cattrs.gen import make_dict_structure_fn, override

from sms_core import errors
from sms_core.errors import InvalidMessage, SmsError, TransportError
from sms_core.http import Response
from sms_core.model import Message, Recipient, VendorOptions
from sms_core.provider import ProviderInfo
from sms_core_kit.wires import PushRequest, PushResponse, Wire

T = TypeVar("T")

Operation = Literal["send", "preview", "balance", "check", "reports", "inbound", "cancel", "settle", "logout"]
OPERATIONS: tuple[str, ...] = get_args(Operation)
_WITH_MESSAGE = frozenset({"send", "preview", "settle"})
_WITH_BATCH = frozenset({"reports", "inbound", "cancel"})
_WITHOUT_RESULT = frozenset({"check", "logout"})


class RecordingFileError(ValueError):
    """A file of recordings that cannot be used: which file, which recording, which key."""


@frozen
class Arguments:
    """What an operation asks about beside a message. ``numbers`` (E.164) are the batch's recipients, if known.

    ``known_batches`` and ``replay`` are for ``settle`` alone.
    """

    batch_id: str = ""
    mms: bool = False
    numbers: tuple[str, ...] = ()
    known_batches: tuple[str, ...] = ()
    replay: bool = False


@frozen(kw_only=True, eq=False)
class Recorded:
    """What a recording and a recorded push have in common."""

    file: str
    document: str
    name: str
    section: str
    options: dict[str, str] = field(factory=dict)

    def __str__(self) -> str:
        return f"{self.file}::{self.name}"

    @property
    def place(self) -> str:
        """Where the document has it."""
        return f"{self.document}: {self.section}"


@frozen(kw_only=True, eq=False)
class Recording(Recorded):
    """One operation as recorded. ``file`` and ``document`` come from its file, everything else from its table."""

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

    def answers(self) -> tuple[Response | TransportError, ...]:
        """The recorded answers, in their order."""
        return tuple(wire.answer.answer() for wire in self.wire)


@frozen(kw_only=True, eq=False)
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

    recordings: tuple[Recording, ...] = ()
    callbacks: tuple[RecordedCallback, ...] = ()


def load_book(folder: Path, info: ProviderInfo) -> Book:
    """Read every ``*.toml`` of a folder. Raises `RecordingFileError`."""
    files = sorted(folder.glob("*.toml"))
    if not files:
        raise RecordingFileError(f"{folder}: has no files of recordings, such as sends.toml")
    converter = _make_converter(info)
    book = Book()
    for file in files:
        found = _read(file, converter)
        book = Book(book.recordings + found.recordings, book.callbacks + found.callbacks)
    return book


def _read(file: Path, converter: cattrs.Converter) -> Book:
    try:
        data = tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise RecordingFileError(f"{file.name}: {error}") from error
    if unknown := set(data) - {"document", "recording", "callback"}:
        raise RecordingFileError(
            f"{file.name}: unknown key {_listed(unknown)}; there are document, recording, callback"
        )
    if not isinstance(data.get("document"), str):
        raise RecordingFileError(f"{file.name}: the key document names the vendor's document, as text")
    common = {"file": file.stem, "document": data["document"]}
    recordings = _tables(file, data, "recording")
    resolved = [_resolved(file, table, recordings) for table in recordings.values()]
    callbacks = _tables(file, data, "callback").values()
    return Book(
        tuple(_structure(file, common | table, Recording, converter) for table in resolved),
        tuple(_structure(file, common | table, RecordedCallback, converter) for table in callbacks),
    )


def _tables(file: Path, data: Mapping[str, Any], kind: str) -> dict[str, dict[str, Any]]:
    """The tables of a kind by their names, which tell them apart."""
    found: dict[str, dict[str, Any]] = {}
    for position, table in enumerate(data.get(kind, ()), 1):
        name = table.get("name") if isinstance(table, dict) else None
        if not isinstance(name, str) or not name:
            raise RecordingFileError(f"{file.name}: {kind} number {position} has no name")
        if name in found:
            raise RecordingFileError(f"{file.name}::{name}: there are two {kind}s of this name")
        found[name] = table
    return found


def _resolved(file: Path, own: dict[str, Any], others: Mapping[str, dict[str, Any]]) -> dict[str, Any]:
    """A recording ``like`` another: the other one but for its result, with its own keys and its own last answer."""
    if "like" not in own:
        return own
    where = f"{file.name}::{own['name']}"
    other = others.get(own["like"])
    if other is None:
        raise RecordingFileError(f"{where}: like: no recording of this file has the name {own['like']!r}")
    if "like" in other:
        raise RecordingFileError(f"{where}: like: {own['like']!r} is like another itself")
    rest = {name: value for name, value in other.items() if name not in {"result", "error"}}
    merged = rest | {name: value for name, value in own.items() if name not in {"like", "answer"}}
    if "answer" in own:
        if "wire" in own or not rest.get("wire"):
            raise RecordingFileError(f"{where}: answer: takes the place of the last one of {own['like']!r}")
        merged["wire"] = [*rest["wire"][:-1], {**rest["wire"][-1], "answer": own["answer"]}]
    return merged


def _structure(file: Path, data: Mapping[str, Any], kind: type[T], converter: cattrs.Converter) -> T:
    try:
        return converter.structure(data, kind)
    except cattrs.BaseValidationError as error:
        reasons = "; ".join(cattrs.transform_error(error, path="", format_exception=_in_words))
        raise RecordingFileError(f"{file.name}::{data['name']}: {reasons}") from error


def _in_words(error: BaseException, _: object) -> str:
    match error:
        case cattrs.errors.ForbiddenExtraKeysError():
            known = [key.name for key in attrs.fields(error.cl)] if attrs.has(error.cl) else []
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
    _register_messages(converter, info)
    _register_recordings(converter)
    return converter


def _register_messages(converter: cattrs.Converter, info: ProviderInfo) -> None:
    """A recipient may be a number alone; the options are the vendor's own."""
    params = override(struct_hook=lambda table, _: tuple(table.items()))
    recipient_of_table = make_dict_structure_fn(Recipient, converter, params=params)

    def recipient(value: Any, kind: type[Recipient]) -> Recipient:
        return Recipient(value) if isinstance(value, str) else recipient_of_table(value, kind)

    def recipients(value: Any, _: object) -> tuple[Recipient, ...]:
        several = value if isinstance(value, list) else [value]
        return converter.structure(several, tuple[Recipient, ...])

    def options(table: Any, _: object) -> tuple[VendorOptions, ...]:
        if info.send_options is None:
            raise InvalidMessage("options", "is nothing that this provider has")
        return (converter.structure(table, info.send_options),)

    converter.register_structure_hook(Recipient, recipient)
    message_of_table = make_dict_structure_fn(
        Message, converter, to=override(struct_hook=recipients), options=override(struct_hook=options)
    )
    converter.register_structure_hook(Message, message_of_table)


def _register_recordings(converter: cattrs.Converter) -> None:
    """Options as a DSN spells them; events as they stand, for they are compared with any kind of value."""
    options = override(struct_hook=lambda table, _: {name: _in_dsn(value) for name, value in table.items()})
    events = override(struct_hook=lambda tables, _: tuple(tables))
    recording = make_dict_structure_fn(Recording, converter, options=options)
    converter.register_structure_hook(Recording, recording)
    callback = make_dict_structure_fn(RecordedCallback, converter, options=options, events=events)
    converter.register_structure_hook(RecordedCallback, callback)


def _exactly(value: object, kind: type[Any]) -> Any:
    if type(value) is not kind:
        raise ValueError(f"needs {kind.__name__}, not {value!r}")
    return value


def _moment(value: object, _: object) -> datetime:
    if not isinstance(value, datetime) or value.utcoffset() is None:
        raise ValueError(f"needs a time with its zone, such as 2026-01-02T03:04:05+08:00, not {value!r}")
    return value


def _fields(value: object) -> dict[str, str] | str:
    if isinstance(value, str):
        return value
    if isinstance(value, dict) and all(isinstance(text, str) for text in value.values()):
        return value
    raise ValueError("needs text, or a table of texts")


def _in_dsn(value: object) -> str:
    """A DSN option as a DSN spells it."""
    return str(value).lower() if isinstance(value, bool) else str(value)
