"""Answers of EVERY8D's HTTP API beside the examples of its document, which are exchanges of the conformance kit."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import attrs
import pytest

import sms_core
import sms_core_every8d
from sms_core import (
    AuthenticationFailed,
    Client,
    DeliveryStatus,
    InsufficientCredit,
    Message,
    Outcome,
    OutcomeUnknown,
    PartiallySent,
    Recipient,
    VendorError,
)
from sms_core.http import Request, Response
from sms_core.testing import FakeTransport
from sms_core_every8d.codes import CANCEL_CODES, REQUEST_CODES, status_of

BATCH = "c496f706-9b0f-4ff8-9644-9503edbb7064"
TWO = ["+886900000001", "+886900000002"]
THREE = [*TWO, "+886900000003"]
ONE_TEXT = Message("我是簡訊內文", TWO)
PERSONAL = Message("", [Recipient(TWO[0], text="a"), Recipient(TWO[1], text="b")])
FILTERED = Message("我是簡訊內文", THREE, options=sms_core_every8d.SendOptions(skip_duplicates=True))
MMS = Message("簡訊發送內容", TWO, subject="簡訊主旨", media=sms_core.Media(b"\xff\xd8\xff", "jpg"))


def client(body: str | bytes, **options: str) -> Client:
    """A client whose every request is answered with this body."""
    encoded = body if isinstance(body, bytes) else body.encode()
    transport = FakeTransport(lambda request: Response(200, body=encoded))
    dsn = sms_core.dsn.build("every8d", "Test", "XXX", auth="password", **options)
    return sms_core.connect(dsn, transport=transport, sleep=lambda seconds: None)


def logging_in(body: str) -> Client:
    return sms_core.connect(
        "every8d://Test:XXX@", transport=FakeTransport(lambda request: Response(200, body=body.encode()))
    )


def answering(verify: int, body: str) -> FakeTransport:
    def handler(request: Request) -> Response:
        login = json.dumps({"Result": True, "Msg": "0" * 32})
        return Response(200, body=(body if f'"VerifyType": {verify}' in request.body.decode() else login).encode())

    return FakeTransport(handler)


# 2.5 The filter


@pytest.mark.parametrize("line_break", ["\n", "\r\n", ""])
def test_table_2_6_8_duplicates_are_held_back(line_break: str) -> None:
    body = (
        f"9610040.00,2,2,0,c496f706-9b0f-4ff8-9644-9503edbb7064{line_break}"
        f",+886900000001/+886900000002,a496f706-9b0f-4ff8-9644-9503edbb7064/{line_break}"
        "b496f706-9b0f-4ff8-9644-9503edbb7064"
    )
    with pytest.raises(PartiallySent) as caught:
        client(body).send(FILTERED)
    assert [(row.outcome, row.batch_id) for row in caught.value.result.outcomes] == [
        (Outcome.REFUSED, "a496f706-9b0f-4ff8-9644-9503edbb7064"),
        (Outcome.REFUSED, "b496f706-9b0f-4ff8-9644-9503edbb7064"),
        (Outcome.ACCEPTED, "c496f706-9b0f-4ff8-9644-9503edbb7064"),
    ]
    assert caught.value.result.batches == ("c496f706-9b0f-4ff8-9644-9503edbb7064",)


TABLE_2_6_9 = (
    "0,0,0,,+886900000001/+886900000002,a496f706-9b0f-4ff8-9644-\n9503edbb7064/b496f706-9b0f-4ff8-9644-9503edbb7064"
)


def unknown(message: Message, answer: str, **options: str) -> tuple[Client, OutcomeUnknown]:
    """A client whose send was answered with a gateway's page, and whose later answers are this."""
    answers = [Response(502), *[Response(200, body=answer.encode())] * len(message.to)]
    dsn = sms_core.dsn.build("every8d", "Test", "XXX", auth="password", **options)
    sms = sms_core.connect(dsn, transport=FakeTransport(answers), clock=lambda: datetime.now(UTC))
    with pytest.raises(OutcomeUnknown) as caught:
        sms.send(message)
    return sms, caught.value


@pytest.mark.parametrize(
    ("message", "options", "outcome"),
    [
        (FILTERED, {}, Outcome.NOT_SENT),
        (ONE_TEXT, {}, Outcome.UNKNOWN),
        (ONE_TEXT, {"filter_sees_all": "true"}, Outcome.NOT_SENT),
        (PERSONAL, {}, Outcome.UNKNOWN),
        (MMS, {"filter_sees_all": "true"}, Outcome.UNKNOWN),
    ],
    ids=["filtered", "plain", "plain, filter sees all", "personal", "MMS"],
)
def test_table_2_6_10_proves_only_what_went_through_the_filter(
    message: Message, options: dict[str, str], outcome: Outcome
) -> None:
    sms, error = unknown(message, "0,0,0,", **options)
    assert {row.outcome for row in sms.settle(error).outcomes} == {outcome}


@pytest.mark.parametrize("length", range(len("0,0,0,,"), len(TABLE_2_6_9)))
def test_table_2_6_9_cut_short_proves_nothing_of_those_it_named(length: int) -> None:
    sms, error = unknown(FILTERED, TABLE_2_6_9[:length])
    try:
        settled = sms.settle(error)
    except sms_core.SmsError:
        return
    assert Outcome.NOT_SENT not in {row.outcome for row in settled.outcomes[:2]}


# UNSEND, table 2-3-2


def test_no_credit_for_some_and_the_reports_tell_whom() -> None:
    reports = {
        "SMS_COUNT": 2,
        "DATA": [{"MOBILE": TWO[0], "STATUS": "100"}, {"MOBILE": TWO[1], "STATUS": "301"}],
    }
    answers = [f"0.00,1,1,1,{BATCH}", json.dumps(reports), "0,0,0,"]
    transport = FakeTransport([Response(200, body=body.encode()) for body in answers])
    sms = sms_core.connect("every8d://Test:XXX@?auth=password", transport=transport)
    with pytest.raises(OutcomeUnknown, match="no credit for 1 of 2") as caught:
        sms.send(ONE_TEXT)
    assert (caught.value.result.accepted, caught.value.result.unsent) == (1, 1)
    settled = sms.settle(caught.value)
    assert [row.outcome for row in settled.outcomes] == [Outcome.ACCEPTED, Outcome.REFUSED]
    assert isinstance(settled.outcomes[1].error, InsufficientCredit)
    assert len(transport.requests) == 2


# 4. Queries


@pytest.mark.parametrize(("size", "ask"), [(1000, Client.reports), (10, Client.inbound)], ids=["4.2.1", "table 4-3-1"])
def test_pages_are_fetched_as_you_go(size: int, ask: Callable[[Client, str], Any]) -> None:
    count = 2 * size + 1
    pages = []
    for start in range(0, count, size):
        rows = [
            {"MOBILE": f"+8869{n:08}", "STATUS": "100", "CONTENT": ""} for n in range(start, min(start + size, count))
        ]
        pages.append(Response(200, body=json.dumps({"SMS_COUNT": count, "DATA": rows}).encode()))
    transport = FakeTransport(pages)
    events = ask(sms_core.connect("every8d://Test:XXX@?auth=password", transport=transport), BATCH)
    assert next(events).number == "+886900000000"
    assert len(transport.requests) == 1
    assert [event.number for event in events] == [f"+8869{n:08}" for n in range(1, count)]
    assert len(transport.requests) == 3


# The code tables


@pytest.mark.parametrize("code", REQUEST_CODES)
def test_request_codes(code: str) -> None:
    with pytest.raises(REQUEST_CODES[code].error) as caught:
        client(f"{code},{REQUEST_CODES[code].text}").balance()
    assert (caught.value.code, caught.value.vendor_text) == (code, REQUEST_CODES[code].text)
    assert isinstance(caught.value, VendorError)


@pytest.mark.parametrize("code", CANCEL_CODES)
def test_cancel_codes_are_apart_from_delivery_codes(code: str) -> None:
    with pytest.raises(CANCEL_CODES[code].error, match=f"{code} {CANCEL_CODES[code].text}"):
        client(f"{code},").cancel(BATCH)


@pytest.mark.parametrize("code", ["-7", "-9", "-11", "-16", "-20", "-21", "-306", "-666", "-12345"])
def test_an_unknown_request_code_is_kept(code: str) -> None:
    with pytest.raises(VendorError) as caught:
        client(f"{code},某個錯誤").send(ONE_TEXT)
    assert (caught.value.code, caught.value.vendor_text) == (code, "某個錯誤")


@pytest.mark.parametrize("code", ["-100", "-101", "-555"])
def test_every_no_to_a_login_is_a_refusal(code: str) -> None:
    with pytest.raises(AuthenticationFailed) as caught:
        logging_in(f'{{"Result": false, "Status": "{code}", "Msg": "不行"}}').balance()
    assert caught.value.code == code


APPENDIX_1 = ["-10", "-8", "-5", "-4", "-3", "-2", "-1", "0"]
APPENDIX_1 += ["100", "101", "102", "103", "104", "105", "106", "300", "301", "303", "500", "700"]


@pytest.mark.parametrize("code", [*APPENDIX_1, "-6", "107", "888"])
def test_appendix_1_status_codes(code: str) -> None:
    (report,) = client(f"1\n\t{TWO[0]}\t2021/12/16 16:09:06\t1.00\t{code}\t\n").reports(BATCH)
    assert (report.status, report.vendor_text) == status_of(code, "http")
    assert report.vendor_code == code
    assert report.vendor_text


def test_an_unknown_status_code_is_kept() -> None:
    (report,) = client(f"1\n\t{TWO[0]}\t2021/12/16 16:09:06\t1.00\t4711\t\n").reports(BATCH)
    assert (report.status, report.vendor_code) == (DeliveryStatus.UNKNOWN, "4711")


# What no document shows, and yet may come


@pytest.mark.parametrize(
    "body",
    [
        "1\n\t\t2021/12/16 16:09:06\t1.00\t100\t\n",
        "1\n\t+886900000001\t2021/12/16 16:09:06\n",
        '{"SMS_COUNT": 1, "DATA": [{"STATUS": "100"}]}',
        "<SMS_LOG>",
        "<OTHER/>",
        "<SMS_LOG><CODE>0</CODE></SMS_LOG>",
        '<SMS_LOG><CODE>0</CODE><GET_DELIVERY_STATUS COUNT="many"/></SMS_LOG>',
    ],
    ids=["no number", "too few columns", "JSON without a number", "half XML", "other XML", "no page", "no count"],
)
def test_a_report_that_cannot_be_read_is_no_empty_page(body: str) -> None:
    with pytest.raises(sms_core.MalformedResponse, match="reports: "):
        list(client(body).reports(BATCH))


@pytest.mark.parametrize("body", ["1\n\t\t好\t2021/09/10 14:52:20\n", "1\n好\n"], ids=["no number", "too few columns"])
def test_a_reply_that_cannot_be_read_is_no_empty_page(body: str) -> None:
    with pytest.raises(sms_core.MalformedResponse, match="inbound: "):
        list(client(body).inbound(BATCH))


@pytest.mark.parametrize(
    "body",
    [
        f"-5,2,2,0,{BATCH}",
        f"-5.00,2,2,0,{BATCH}",
        f"87.00,2.5,2,0,{BATCH}",
        "87.00,2,2,0,",
        f"87.00,2,2,0,{BATCH[:20]}",
        f"87.00,2,2,0,{BATCH[:8]}",
        "87.00,2",
        '{"Result": true}',
        '{"Result": true, "Msg": 5}',
        "{}",
        "[1]",
        '{"Result": tr',
    ],
)
def test_a_send_whose_answer_is_in_doubt_is_unknown(body: str) -> None:
    """A negative credit, a count that is none, a batch id that was cut: the vendor may have taken it all the same."""
    with pytest.raises(OutcomeUnknown):
        client(body).send(ONE_TEXT)


def test_parts_of_long_texts_may_count_for_more() -> None:
    assert client(f"87.00,6,6,0,{BATCH}").send(ONE_TEXT).accepted == 2


def test_a_check_that_is_answered_with_nonsense_is_no_success() -> None:
    with pytest.raises(sms_core.MalformedResponse):
        sms_core.connect("every8d://Test:XXX@", transport=answering(2, "{}")).check()
    with pytest.raises(sms_core.MalformedResponse):
        client("<html>").check()


def test_one_batch_for_all_that_were_held_back_and_batches_that_do_not_pair() -> None:
    for batches, expected in (("b1", ["b1", "b1"]), ("b1/b2/b3", [None, None])):
        with pytest.raises(PartiallySent) as caught:
            client(f"87.00,1,1,0,{BATCH},{'/'.join(TWO)},{batches}").send(FILTERED)
        assert [row.batch_id for row in caught.value.result.outcomes[:2]] == expected


@pytest.mark.parametrize("message", [MMS, Message("a", Recipient(TWO[0], email="a@example.org"))], ids=["MMS", "email"])
def test_the_filter_takes_neither_pictures_nor_emails(message: Message) -> None:
    filtered = attrs.evolve(message, options=sms_core_every8d.SendOptions(skip_duplicates=True))
    with pytest.raises(sms_core.InvalidMessage, match="skip_duplicates"):
        client("").send(filtered)
