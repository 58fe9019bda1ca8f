"""Requests as people write them by hand: what servers read, the sandbox reads; what they cannot read, it refuses."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import urllib3
from attrs import frozen
from hypothesis import given
from hypothesis import strategies as st

from sms_core.testing import Exchange
from sms_core_sandbox import Sandbox
from sms_core_sandbox.calls import Call, read_body
from sms_core_twilio.sandbox import ACCOUNT

TEXT = "中文 100%+1 & é=\r\n二"
FORM = {"content-type": "application/x-www-form-urlencoded"}
POOL = urllib3.PoolManager(retries=False, timeout=5.0)


@frozen
class Vendor:
    """Where a text is sent to, its fields without the text, the text's name, and how the vendor refuses bytes."""

    url: str
    fields: dict[str, str]
    text: str
    refusal: bytes


WHO = {"username": "sandbox", "password": "sandbox-password"}
SENDS = {
    "every8d": Vendor(
        "every8d/API21/HTTP/SendSMS.ashx",
        {"uid": "sandbox", "Pwd": "sandbox-password", "dest": "0900000001"},
        "Msg",
        b"-99,",
    ),
    "mitake": Vendor(
        "mitake/b2c/mtk/SmSend?CharsetURL=UTF-8", WHO | {"dstaddr": "0900000001"}, "smbody", b"statuscode=y"
    ),
    "sms-get": Vendor("sms-get/api_send.php", WHO | {"method": "1", "phone": "0900000001"}, "sms_msg", b'"001"'),
    "smsgo": Vendor(
        "smsgo/sms_gw/sendsms.aspx",
        {"UserName": "sandbox", "Password": "sandbox-password", "DstAddr": "0900000001", "encoding": "LUCS2"},
        "SMBODY",
        b"statuscode=-1",
    ),
    "twilio": Vendor(
        f"twilio/2010-04-01/Accounts/{ACCOUNT}/Messages.json",
        {"To": "+886900000001", "From": "+15005550006"},
        "Body",
        b'"code":70002',
    ),
}


@pytest.fixture(scope="module")
def shared() -> Iterator[Sandbox]:
    with Sandbox(faces=[*SENDS]) as box:
        yield box


@pytest.fixture
def every_vendor(shared: Sandbox) -> Sandbox:
    shared.reset()
    return shared


def post(box: Sandbox, vendor: Vendor, headers: dict[str, str], **body: Any) -> bytes:
    basic = urllib3.make_headers(basic_auth=f"{ACCOUNT}:sandbox-password")
    answer = POOL.request("POST", f"{box.url}/{vendor.url}", headers=headers | basic, **body)
    return answer.data


@pytest.mark.parametrize("name", SENDS)
def test_multipart(every_vendor: Sandbox, name: str) -> None:
    vendor = SENDS[name]
    post(every_vendor, vendor, {}, fields=vendor.fields | {vendor.text: TEXT})
    (sent,) = every_vendor.exchange.accepted
    assert sent.text == TEXT.replace("\n", "" if name == "mitake" else "\n")  # whose line break is byte 6


@pytest.mark.parametrize("name", SENDS)
def test_a_text_that_nobody_has_encoded(every_vendor: Sandbox, name: str) -> None:
    vendor = SENDS[name]
    fields = "&".join(f"{key}={value.replace('+', '%2B')}" for key, value in vendor.fields.items())
    post(every_vendor, vendor, FORM, body=f"{fields}&{vendor.text}=中文 100%25".encode())
    assert [sent.text for sent in every_vendor.exchange.accepted] == ["中文 100%"]


@pytest.mark.parametrize("name", SENDS)
def test_what_cannot_be_read_is_refused(every_vendor: Sandbox, name: str) -> None:
    vendor = SENDS[name]
    fields = "&".join(f"{key}={value.replace('+', '%2B')}" for key, value in vendor.fields.items())
    answer = post(every_vendor, vendor, FORM, body=f"{fields}&{vendor.text}=%A4%A4%FF".encode())
    assert vendor.refusal in answer
    assert every_vendor.exchange.accepted == ()


def test_a_character_that_the_encoding_lacks_is_no_question_mark(every_vendor: Sandbox) -> None:
    vendor = SENDS["smsgo"]
    for encoding, text in (("ASCII", "中文"), ("BIG5", "😀")):
        answer = post(every_vendor, vendor, {}, fields=vendor.fields | {"encoding": encoding, vendor.text: text})
        assert b"statuscode=-7" in answer
    assert every_vendor.exchange.accepted == ()


def test_big5_is_big5_unless_told(every_vendor: Sandbox) -> None:
    vendor = SENDS["mitake"]
    body = "username=sandbox&password=sandbox-password&dstaddr=0900000001&smbody=中文".encode("cp950")
    POOL.request("POST", f"{every_vendor.url}/mitake/b2c/mtk/SmSend", headers=FORM, body=body)
    assert [sent.text for sent in every_vendor.exchange.accepted] == ["中文"]
    assert b"statuscode=y" in post(every_vendor, vendor, FORM, body=body)


@given(st.dictionaries(st.text("abcXYZ_", min_size=1), st.text(st.characters(exclude_categories=["Cs"])), max_size=4))
def test_a_multipart_form_is_what_a_client_wrote(fields: dict[str, str]) -> None:
    body, content_type = urllib3.encode_multipart_formdata(fields)
    call = Call(Exchange(), "x", headers={"content-type": content_type}, body=body)
    if fields:
        assert dict(read_body(call)) == fields


@given(st.binary(max_size=200))
def test_any_bytes_are_fields_or_an_error(body: bytes) -> None:
    for content_type in ("multipart/form-data; boundary=b", "multipart/form-data", ""):
        call = Call(Exchange(), "x", headers={"content-type": content_type}, body=b"--b\r\n" + body)
        try:
            assert all(isinstance(value, str) for _, value in read_body(call))
        except ValueError:
            continue
