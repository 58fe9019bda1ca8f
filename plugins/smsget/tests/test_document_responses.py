"""Answers beside the examples of SMS-Get's document, which are exchanges of the conformance kit."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest

import sms_core
import sms_core_smsget
from sms_core import (
    AuthenticationFailed,
    Client,
    ContentRefused,
    InsufficientCredit,
    MalformedResponse,
    Outcome,
    OutcomeUnknown,
    RecipientRefused,
    SendError,
    VendorError,
)
from sms_core.http import Response
from sms_core.testing import FakeTransport

TWO = ["0900000001", "0900000002"]


def client(answer: dict[str, Any] | str) -> Client:
    body = answer if isinstance(answer, str) else json.dumps(answer)
    transport = FakeTransport(lambda request: Response(200, body=body.encode()))
    return sms_core.connect("sms-get://user:pw@", transport=transport, sleep=lambda seconds: None)


def success(message: str, **changes: Any) -> dict[str, Any]:
    return {"stats": True, "error_code": "000", "error_msg": message, **changes}


@pytest.mark.parametrize("stats", [True, "True", "true", " TRUE ", 1, "1"])
@pytest.mark.parametrize("code", ["000", 0, "0"])
def test_stats_and_code_in_each_form(stats: object, code: object) -> None:
    assert client(success("7|1|9", stats=stats, error_code=code)).send("hi", TWO[0]).batch_id == "7"


def test_chapter_5_credit() -> None:
    assert client(success("user|1234")).balance().credit == Decimal(1234)
    assert client(success("us|er|1234")).balance().credit == Decimal(1234)
    client(success("user|0")).check()


CODES = {
    "001": (VendorError, "參數錯誤"),
    "002": (VendorError, "預約時間參數錯誤"),
    "003": (VendorError, "預約時間過期"),
    "004": (ContentRefused, "訊息長度過長"),
    "005": (AuthenticationFailed, "帳號密碼錯誤"),
    "006": (VendorError, "IP 無法存取"),
    "007": (RecipientRefused, "收件者人數為 0"),
    "008": (RecipientRefused, "收件人超過 250 人"),
    "009": (InsufficientCredit, "點數不足"),
    "010": (VendorError, "尚未申請雙向功能"),
    "042": (VendorError, "?"),
}


@pytest.mark.parametrize("stats", [False, "False", "false", 0])
@pytest.mark.parametrize("code", CODES)
def test_chapters_1_and_3_codes(code: str, stats: object) -> None:
    """Each is a refusal: surely nothing was taken. So is a code that the document does not have: stats says 發送失敗."""
    kind, text = CODES[code]
    message = sms_core.Message("hi", TWO, options=sms_core_smsget.SendOptions(two_way=code == "010"))
    with pytest.raises(kind) as caught:
        client({"stats": stats, "error_code": code, "error_msg": text}).send(message)
    error = caught.value
    assert isinstance(error, SendError)
    assert type(error) is kind
    assert (error.code, error.vendor_text, error.retry) == (code, text, False)
    assert [row.outcome for row in error.result.outcomes] == [Outcome.REFUSED] * 2


@pytest.mark.parametrize("code", [code for code in CODES if code != "042"])
def test_a_refusal_without_words_gets_those_of_the_table(code: str) -> None:
    with pytest.raises(CODES[code][0], match=code) as caught:
        client({"stats": False, "error_code": code}).balance()
    assert caught.value.vendor_text == CODES[code][1]


def test_a_wrong_password_is_not_tried_twice_and_a_refused_address_is() -> None:
    for code, requests in (("005", 1), ("006", 2)):
        body = json.dumps({"stats": False, "error_code": code, "error_msg": ""}).encode()
        transport = FakeTransport(lambda request, body=body: Response(200, body=body))  # type: ignore[misc]
        sms = sms_core.connect("sms-get://user:pw@", transport=transport)
        for _ in range(2):
            with pytest.raises(VendorError):
                sms.balance()
        assert len(transport.requests) == requests


UNREADABLE: list[dict[str, Any] | str] = [
    "",
    "ok",
    "[]",
    "null",
    '"000"',
    '{"stats":true,"error_code":"000","error_msg":"1|2|9',
    "<html>proxy</html>",
    {},
    {"stats": True},
    {"error_code": "000", "error_msg": "1|2|9"},
    {"error_code": "005", "error_msg": "帳號密碼錯誤"},
    {"stats": False},
    {"stats": False, "error_code": None},
    {"stats": False, "error_code": "fatal"},
    {"stats": None, "error_code": "000", "error_msg": "1|2|9"},
    {"stats": "maybe", "error_code": "000", "error_msg": "1|2|9"},
    {"stats": True, "error_code": "009", "error_msg": "1|2|9"},
    {"stats": False, "error_code": "000", "error_msg": "1|2|9"},
    *(success(message) for message in ("", "1", "1|2", "|2|9", "1|two|9", "1|2|", "1|2|9|4", "a b|2|9", "1|NaN|9")),
    success("1|2|9", error_msg=None),
    success("1|2|9", error_msg=["1", 2, 9]),
]


@pytest.mark.parametrize("answer", UNREADABLE, ids=range(len(UNREADABLE)))
def test_an_answer_that_is_not_the_documents_leaves_the_outcome_open(answer: dict[str, Any] | str) -> None:
    with pytest.raises(OutcomeUnknown) as caught:
        client(answer).send("hi", TWO)
    assert [row.outcome for row in caught.value.result.outcomes] == [Outcome.UNKNOWN] * 2
    if "|" not in str(answer):
        with pytest.raises(MalformedResponse):
            client(answer).balance()
