"""Every parser of what comes from outside, as one kind of value: what it is given, what it may raise, what is recorded."""

from __future__ import annotations

import functools
import itertools
import json
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import attrs
from attrs import frozen

from sms_core import (
    Balance,
    CallbackRefused,
    CallbackRequest,
    ConfigurationError,
    DeliveryReport,
    DeliveryStatus,
    InboundMessage,
    InvalidMessage,
    MalformedResponse,
    Message,
    Outcome,
    Recipient,
    RecipientOutcome,
    SendResult,
    VendorError,
)
from sms_core import dsn as dsns
from sms_core._engine.connection import split_options
from sms_core._engine.plan import make_plan
from sms_core.http import Response
from sms_core.masking import mask_numbers
from sms_core.model import Cancellation
from sms_core.numbers import from_vendor, to_e164
from sms_core.provider import (
    Cancel,
    Capability,
    Check,
    FindSent,
    GetBalance,
    GetInbound,
    GetReports,
    Login,
    Logout,
    Operation,
    Provider,
    ProviderInfo,
    Send,
    parse_time,
    template,
)
from sms_core.serialize import from_error_data, from_json, to_data, to_json
from sms_core.testing import bind_provider, describe_provider, load_provider
from sms_core.text import count_segments
from sms_core.webhooks.bodies import ascii_query
from sms_core_cli.campaign import parse_moment, read_table
from sms_core_cli.campaign.mending import Mending
from sms_core_kit.recordings import Book, Recording, load_book
from sms_core_twilio import signature

PLUGINS = Path(__file__).parents[2] / "plugins"
NOW = datetime(2026, 12, 1, 9, 0, tzinfo=UTC)
TWILIO_URL = "https://shop.example/twilio"
TWILIO_KEY = "12345"
"""The account's token: without its signature a push of Twilio is not read at all."""

VENDORS: dict[str, tuple[str, str]] = {
    "every8d": ("every8d://Test:XXX@", "every8d/tests/recordings/http"),
    "every8d-soap": ("every8d-soap://Test:XXX@", "every8d/tests/recordings/soap"),
    "mitake": ("mitake://user:pw@?long_sms=true", "mitake/tests/recordings"),
    "sms-get": ("sms-get://user:pw@", "smsget/tests/recordings"),
    "smsgo": ("smsgo://TesterId:TesterPW@", "smsgo/tests/recordings"),
    "twilio": (
        f"twilio://AC{'0' * 32}:{TWILIO_KEY}@?messaging_service=MG{'0' * 32}&callback_url=https%3A%2F%2Fshop.example%2Ftwilio",
        "twilio/tests/recordings",
    ),
}
"""Each vendor's DSN of nobody, and where its recordings are."""
ANSWER_ERRORS = (VendorError, MalformedResponse)
PUSH_ERRORS = (CallbackRefused, MalformedResponse)


@frozen
class Parser:
    """``parse`` takes bytes, and raises ``errors`` for what it cannot read. ``examples`` are what it can."""

    name: str
    parse: Callable[[bytes], object]
    errors: tuple[type[Exception], ...]
    examples: tuple[bytes, ...]

    def __str__(self) -> str:
        return self.name


def text_parser(
    name: str, parse: Callable[[str], object], errors: Sequence[type[Exception]], examples: Sequence[str]
) -> Parser:
    """The parser of a text. Bytes that are no UTF-8 reach it as lone surrogates, as from a command line."""
    return Parser(
        name,
        lambda body: parse(body.decode("utf-8", "surrogateescape")),
        tuple(errors),
        tuple(example.encode() for example in examples),
    )


@functools.cache
def all_parsers() -> tuple[Parser, ...]:
    """All of them, made once for each process."""
    return (*_vendors(), *_files(), *_texts(), *_stored())


# Vendors


def _vendors() -> Iterator[Parser]:
    for name, (dsn, folder) in VENDORS.items():
        plugin = load_provider(name)
        provider = bind_provider(plugin, dsn)
        book = load_book(PLUGINS / folder, provider.info)
        answers = _answers(book)
        for label, operation in _operations(provider, book).items():
            own = answers.get(operation.name, ())
            of_others = itertools.chain.from_iterable(answers.values())
            examples = tuple(dict.fromkeys((*own, *of_others)))
            yield Parser(f"{name} {label}", _answer_parser(provider, operation), ANSWER_ERRORS, examples)
        yield Parser(f"{name} push", _push_parser(provider), PUSH_ERRORS, _pushes(book))


def _answers(book: Book) -> dict[str, tuple[bytes, ...]]:
    """The bodies of the recorded answers by the operation's name."""
    found: dict[str, list[bytes]] = {}
    for recording in book.recordings:
        for wire in recording.wire:
            found.setdefault(recording.operation, []).append(wire.answer.content())
    return {name: tuple(dict.fromkeys(bodies)) for name, bodies in found.items()}


def _operations(provider: Provider, book: Book) -> dict[str, Operation[Any]]:
    """Every operation of the vendor, each about what a recording of it is about, so that its answers fit."""
    operations: dict[str, Operation[Any]] = {"check": Check()}
    if provider.logs_in:
        operations |= {"login": Login(now=NOW), "logout": Logout()}
    successful = [recording for recording in book.recordings if recording.succeeds]
    for recording in sorted(successful, key=lambda recording: len(recording.options)):
        for operation in _asked(provider, recording):
            several = isinstance(operation, Send) and len(operation.destinations) > 1
            operations.setdefault(f"{operation.name} to several" if several else operation.name, operation)
    return operations


def _asked(provider: Provider, recording: Recording) -> Iterator[Operation[Any]]:
    arguments, message = recording.arguments, recording.message
    match recording.operation:
        case "send" if message is not None:
            yield from make_plan(message, provider.info, prepare=provider.prepare).sends
        case "settle" if message is not None and provider.info.can(Capability.SETTLE):
            numbers = tuple(to_e164(recipient.number) for recipient in message.to)
            yield FindSent(message, message.text, numbers, NOW)
        case "balance":
            yield GetBalance()
        case "reports":
            yield GetReports(arguments.batch_id, mms=arguments.mms, numbers=arguments.numbers)
        case "inbound":
            yield GetInbound(arguments.batch_id)
        case "cancel":
            yield Cancel(arguments.batch_id, mms=arguments.mms, numbers=arguments.numbers)


def _answer_parser(provider: Provider, operation: Operation[Any]) -> Callable[[bytes], object]:
    """The hook itself: `Provider.parse` would make a named error of a provider's bug."""
    hook = provider.hooks.sms_parse_response

    def parse(body: bytes) -> object:
        result = hook(account=provider.account, operation=operation, response=Response(200, {}, body))
        return to_data(result)  # as a queue or a log would have it

    return parse


SEPARATOR = b"\n\n"
"""Between query and body of a push."""


def _pushes(book: Book) -> tuple[bytes, ...]:
    requests = [recorded.request.request() for recorded in book.callbacks]
    return tuple(dict.fromkeys(request.query.encode() + SEPARATOR + request.body for request in requests))


def _push_parser(provider: Provider) -> Callable[[bytes], object]:
    hook = provider.hooks.sms_parse_callback
    form = {"content-type": "application/x-www-form-urlencoded"}

    def parse(push: bytes) -> object:
        query, separator, body = push.partition(SEPARATOR)
        method = "POST" if separator and body else "GET"
        request = CallbackRequest(method, "/", ascii_query(query), form, body)
        if provider.info.name == "twilio":
            request = _signed(request)
        callback = hook(account=provider.account, request=request)
        return to_data(callback.events)

    return parse


def _signed(request: CallbackRequest) -> CallbackRequest:
    query = f"?{request.query}" if request.query else ""
    signed = signature.sign(f"{TWILIO_URL}{query}", request.form_pairs(), TWILIO_KEY)
    return attrs.evolve(request, headers={**request.headers, signature.HEADER: signed})


# Files


CSV = (
    "number,name,text,send_at\n0900000001,王小明,您好,\n0900000002,,hi,2026-12-31T09:00\n",
    'number;text\n="0900000001";"two\nlines"\n',
    "手機\t姓名\t簡訊內容\n'0900000001\t王\t{name}您好\n",
)


def _files() -> Iterator[Parser]:
    files = [content.encode(charset) for content in CSV for charset in ("utf-8", "utf-8-sig", "utf-16", "cp950")]
    yield Parser("campaign file", _mended, (InvalidMessage,), tuple(files))


def _mended(body: bytes) -> object:
    return [Mending(mend=True).take(row) for row in read_table(body).rows]


# Texts


def _texts() -> Iterator[Parser]:
    yield text_parser(
        "number",
        to_e164,
        [ValueError],
        [
            "0900-000-001",
            "+1 (415) 555-0132",
            "007-1-415-555-0132",
            '="0900000001"',
            "０９００　０００００１",
            "9.00E+08",
        ],
    )
    yield text_parser("vendor's number", from_vendor, [], ["+886900000001       ", "8860900000001", "0027821234567"])
    yield text_parser("template", _fill, [InvalidMessage], ["{name}您好", "{{1}} {name} {order}", "}} {"])
    yield text_parser("segments", count_segments, [], ["hello {}", "您好𠮷", "a\r\nb"])
    yield text_parser("mask", mask_numbers, [], ["to +886 900-000-001 and 0900000002", "%2B886900000001"])
    yield text_parser("time", parse_time, [ValueError], ["2021/12/16 16:09:06", "20211216160906", "2021/06/0114:27:55"])
    yield text_parser("moment", parse_moment, [InvalidMessage], ["2026-12-31 09:00", "2026/12/31T09:00:00+08:00"])
    yield text_parser(
        "DSN",
        _dsn,
        [ConfigurationError],
        [
            "every8d://UID:PW%40D@new.e8d.tw:8080/prefix?read_timeout=5&batch_size=10&allow_plaintext=true",
            "every8d-soap://u:p@[::1]?scheme=http&close_session=yes",
            "twilio://AC0:t@?from=%2B886900000001&callback_url=https%3A%2F%2Fa.example",
            "memory://?credit=5&proxy=http://p",
        ],
    )


def _fill(text: str) -> str:
    template.parse.cache_clear()  # else the second of two equal inputs would cost nothing
    return template.fill(text, {"name": "王", "order": "17"})


def _dsn(text: str) -> object:
    dsn = dsns.parse(text)
    if dsn.provider not in {*VENDORS, "memory"}:
        return dsn
    return split_options(dsn, _info(dsn.provider))


@functools.cache
def _info(name: str) -> ProviderInfo:
    return describe_provider(load_provider(name), name)


# Stored values


def _stored() -> Iterator[Parser]:
    message = Message(
        "您好", [Recipient("0900000001", params={"name": "王"}), Recipient("0900000002", send_at=NOW)], send_at=NOW
    )
    outcome = RecipientOutcome("+886900000001", Outcome.REFUSED, "b", "r", VendorError("no", code="-5", retry=True))
    result = SendResult((outcome,), 1, 0, Decimal("1.5"), Decimal(9), ("b",), message=message, sent_at=NOW, raw=("x",))
    values: tuple[object, ...] = (
        message,
        result,
        DeliveryReport("+886900000001", DeliveryStatus.DELIVERED, "b", done_at=NOW, cost=Decimal(1), raw={"a": "b"}),
        InboundMessage("+886900000001", "hi", "b", NOW, key="k"),
        Balance(Decimal("87.00")),
        Cancellation(2, Decimal(2)),
    )
    for value in values:
        kind = type(value)
        yield text_parser(
            f"stored {kind.__name__}",
            functools.partial(_from_json, kind=kind),
            [ConfigurationError],
            [to_json(value), to_json(value, indent=1)],
        )
    yield text_parser("stored result of an error", _from_error, [ConfigurationError], [to_json(result)])


def _from_json(text: str, kind: type[Any]) -> object:
    return from_json(text, kind)


def _from_error(text: str) -> object:
    try:
        data = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return from_error_data(data, SendResult)
