"""What is refused before it is sent, and what the DSN and the `SendOptions` make of a request."""

from __future__ import annotations

from base64 import b64decode
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs

import pytest

import sms_core
from sms_core import ConfigurationError, InvalidMessage, Message, Unsupported
from sms_core.http import Request, Response
from sms_core.testing import FakeTransport
from sms_core_twilio import SendOptions

AC, MG, HX = (letters + "0" * 32 for letters in ("AC", "MG", "HX"))
NOW = datetime(2026, 11, 21, 8, 0, tzinfo=UTC)
SOON = NOW + timedelta(days=1)


def answer(request: Request) -> Response:
    return Response(201, body=b'{"sid": "SM%s", "status": "scheduled"}' % (b"0" * 32))


def sent(message: Message, user: str = AC, host: str = "", **options: str) -> list[Request]:
    transport = FakeTransport(answer)
    dsn = sms_core.dsn.build("twilio", user, "token", host, **options)
    with sms_core.connect(dsn, transport=transport, clock=lambda: NOW) as sms:
        sms.send(message)
    return transport.requests


def fields_of(request: Request) -> dict[str, list[str]]:
    return parse_qs(request.body.decode(), keep_blank_values=True)


def refused(message: Message, **options: str) -> Exception:
    transport = FakeTransport(answer)
    dsn = sms_core.dsn.build("twilio", AC, "token", **options)
    sms = sms_core.connect(dsn, transport=transport, clock=lambda: NOW)
    with pytest.raises((ConfigurationError, InvalidMessage, Unsupported)) as caught:
        sms.send(message)
    with pytest.raises(type(caught.value)):
        sms.preview(message)
    assert not transport.requests
    return caught.value


def to_one(text: str = "hi", **wishes: Any) -> Message:
    return Message(text, "+886900000002", **wishes)


def test_a_send_needs_a_sender() -> None:
    assert "from or messaging_service" in str(refused(to_one()))


@pytest.mark.parametrize(
    ("dsn", "own", "sender", "service"),
    [
        ({"from": "+886900000001"}, {}, ["+886900000001"], None),
        ({"messaging_service": MG}, {}, None, [MG]),
        ({"from": "Shop", "messaging_service": MG}, {}, ["Shop"], [MG]),
        ({"messaging_service": MG}, {"from_": "12345"}, ["12345"], None),
        ({"from": "Shop"}, {"messaging_service": MG}, None, [MG]),
        ({}, {"from_": "Shop"}, ["Shop"], None),
    ],
)
def test_a_messages_own_sender_takes_the_place_of_the_accounts(
    dsn: dict[str, str], own: dict[str, str], sender: list[str] | None, service: list[str] | None
) -> None:
    (request,) = sent(to_one(options=SendOptions(**own)), **dsn)
    fields = fields_of(request)
    assert (fields.get("From"), fields.get("MessagingServiceSid")) == (sender, service)


def test_an_api_key_asks_for_an_account() -> None:
    (request,) = sent(to_one(), user="SK1", **{"account": AC, "from": "Shop"})
    assert request.url == f"https://api.twilio.com/2010-04-01/Accounts/{AC}/Messages.json"
    assert b64decode(request.headers["authorization"].removeprefix("Basic ")) == b"SK1:token"
    for user in ("SK1", ""):
        with pytest.raises(ConfigurationError, match="AccountSid"):
            sent(to_one(), user=user, **{"from": "Shop"})


def test_another_region() -> None:
    (request,) = sent(to_one(), host="api.dublin.ie1.twilio.com", **{"from": "Shop"})
    assert request.url.startswith("https://api.dublin.ie1.twilio.com/2010-04-01/Accounts/AC")


@pytest.mark.parametrize(
    ("message", "field"),
    [
        (to_one(send_at=SOON), "send_at"),
        (to_one(options=SendOptions(shorten_urls=True)), "options.shorten_urls"),
        (to_one(options=SendOptions(content_sid=HX)), "text"),
        (to_one(options=SendOptions(content_variables={"1": "a"})), "options.content_variables"),
        (to_one(validity=timedelta(seconds=36001)), "validity"),
        (to_one(validity=timedelta(seconds=1.5)), "validity"),
        (to_one(""), "text"),
        (to_one("字" * 1601), "text"),
    ],
)
def test_what_twilio_would_refuse_or_leave_out_is_refused_here(message: Message, field: str) -> None:
    error = refused(message, **{"from": "Shop"})
    assert isinstance(error, InvalidMessage)
    assert error.field == field


@pytest.mark.parametrize(
    ("ahead", "words"),
    [
        (timedelta(minutes=15), ""),
        (timedelta(days=35), ""),
        (timedelta(minutes=15) - timedelta(seconds=1), "at least 15 minutes ahead"),
        (timedelta(days=35, seconds=1), "at most 35 days"),
        (-timedelta(seconds=1), "in the past"),
    ],
)
def test_a_booking_is_15_minutes_to_35_days_ahead(ahead: timedelta, words: str) -> None:
    message = to_one(send_at=NOW + ahead)
    if words:
        assert words in str(refused(message, messaging_service=MG))
    else:
        (request,) = sent(message, messaging_service=MG)
        assert fields_of(request)["SendAt"] == [f"{NOW + ahead:%Y-%m-%dT%H:%M:%SZ}"]


def test_a_picture_goes_by_its_url_and_not_as_media() -> None:
    picture = sms_core.Media(b"\xff\xd8\xff\xe0", "jpg")
    assert "media_urls" in str(refused(to_one(media=picture), **{"from": "Shop"}))
    (request,) = sent(to_one("", options=SendOptions(media_urls="https://example.com/a.png")), **{"from": "Shop"})
    assert fields_of(request)["MediaUrl"] == ["https://example.com/a.png"]
    assert "Body" not in fields_of(request)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("from_", " 886900000001"),
        ("messaging_service", "MG1"),
        ("messaging_service", HX),
        ("status_callback", "example.com/sms"),
        ("status_callback", "https://my_host.example.com/sms"),
        ("status_callback", "https://example.com:port/sms"),
        ("status_callback", "https://[half/sms"),
        ("media_urls", ["file:///etc/passwd"]),
        ("media_urls", ["https://example.com/a.png"] * 11),
        ("content_sid", MG),
        ("content_retention", "keep"),
        ("address_retention", "discard"),
        ("risk_check", "perhaps"),
    ],
)
def test_an_option_of_a_wrong_form_is_refused_by_name(field: str, value: Any) -> None:
    with pytest.raises(InvalidMessage) as caught:
        SendOptions(**{field: value})
    assert caught.value.field == f"options.{field}"
    assert str(value) not in str(caught.value)


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("from", " 886900000001"),
        ("messaging_service", "mine"),
        ("status_callback", "ftp://example.com"),
        ("callback_url", "example.com"),
        ("callback_url", "https://example.com/a example.com/b"),
    ],
)
def test_an_option_of_the_dsn_of_a_wrong_form_is_refused_by_name(option: str, value: str) -> None:
    with pytest.raises(ConfigurationError, match=f"DSN option '{option}' ") as caught:
        sms_core.connect(sms_core.dsn.build("twilio", AC, "token", **{option: value}))
    assert value not in str(caught.value)


def test_a_plus_that_is_not_encoded_is_found_out() -> None:
    with pytest.raises(ConfigurationError, match="%2B"):
        sms_core.connect(f"twilio://{AC}:token@?from=+886900000001")


def test_addresses_and_keys_are_in_no_repr() -> None:
    secret = "https://example.com/twilio/the-secret"
    options = {"status_callback": secret, "callback_url": secret, "signing_key": "the-secret"}
    sms = sms_core.connect(sms_core.dsn.build("twilio", AC, "token", **options))
    wishes = SendOptions(status_callback=secret, media_urls=secret, content_variables={"1": "the-secret"})
    assert "the-secret" not in repr((sms, sms._provider.account, wishes))
