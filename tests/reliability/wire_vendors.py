"""What the scripted server knows of each vendor: the DSN that leads to it, and the answer that takes a message.

The text of each message is its serial number, in letters that no encoding of a request changes. The answer's batch id holds
the same number, so that an answer which belongs to another message is told.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple

from sms_core import Message

NUMBER = "0900000001"
BATCH = "{serial:08d}-0000-4000-8000-000000000000"
_SERIAL = re.compile(rb"serial(\d{8})z")


def message(serial: int) -> Message:
    """The message with this serial number."""
    return Message(f"serial{serial:08}z", NUMBER)


def serial_of(request: bytes) -> int | None:
    """The serial number of the message that a request sends; None for a login."""
    found = _SERIAL.search(request)
    if found is None:
        return None
    return int(found[1])


class WireVendor(NamedTuple):
    """``dsn`` has ``{host}`` for the server's address; ``answer`` gives the body for a serial number."""

    dsn: str
    answer: Callable[[int], str]
    batch: str
    refusal: str
    status: int = 200
    status_of_refusal: int = 200


def _every8d(serial: int) -> str:
    return f"99.0,1,1.0,0,{BATCH.format(serial=serial)}"


def _soap(serial: int) -> str:
    return _soap_result("sendSMS", _every8d(serial))


def _soap_result(operation: str, text: str) -> str:
    return (
        '<?xml version="1.0" encoding="utf-8"?><soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/">'
        f'<soap:Body><{operation}Response xmlns="http://tempuri.org/"><{operation}Result>{text}</{operation}Result>'
        f"</{operation}Response></soap:Body></soap:Envelope>"
    )


SOAP_LOGIN = _soap_result(
    "getConnection",
    "&lt;GET_CONNECTION&gt;&lt;CODE&gt;0&lt;/CODE&gt;&lt;SESSION_KEY&gt;0123456789abcdef0123456789abcdef&lt;/SESSION_KEY&gt;"
    "&lt;DESCRIPTION&gt;取得連線成功。&lt;/DESCRIPTION&gt;&lt;/GET_CONNECTION&gt;",
)


def _smsgo(serial: int) -> str:
    return f'{{"result":{{"msgid":1{serial:014},"statuscode":"0","statusstr":"OK","point":1}}}}'


def _sms_get(serial: int) -> str:
    return f'{{"stats":true,"error_code":"000","error_msg":"1{serial:08}|1|99999"}}'


def _mitake(serial: int) -> str:
    return f"[1]\r\nmsgid=1{serial:09}\r\nstatuscode=1\r\nAccountPoint=12572\r\n"


def _twilio(serial: int) -> str:
    return (
        f'{{"sid":"SM{serial:032}","status":"queued","to":"+886900000001","body":"x","num_segments":"1","num_media":"0",'
        '"price":null,"price_unit":null,"error_code":null,"error_message":null,"date_created":"Thu, 24 Aug 2023 05:01:45 +0000",'
        '"date_sent":null,"date_updated":"Thu, 24 Aug 2023 05:01:45 +0000","direction":"outbound-api"}'
    )


_SMSGO_REFUSAL = '{"result":{"msgid":-1,"statuscode":"-4","statusstr":"no","point":0}}'
_SMS_GET_REFUSAL = '{"stats":false,"error_code":"004","error_msg":"no"}'
_TWILIO_REFUSAL = '{"code":21211,"message":"Invalid To","more_info":"","status":400}'

WIRE_VENDORS = {
    "every8d": WireVendor("every8d://u:p@{host}?auth=password", _every8d, BATCH, "-27,電話號碼不得為空"),
    "every8d-soap": WireVendor(
        "every8d-soap://u:p@{host}", _soap, BATCH, _soap_result("sendSMS", "-27,電話號碼不得為空")
    ),
    "smsgo": WireVendor("smsgo://u:p@{host}", _smsgo, "1{serial:014}", _SMSGO_REFUSAL),
    "sms-get": WireVendor("sms-get://u:p@{host}", _sms_get, "1{serial:08}", _SMS_GET_REFUSAL),
    "mitake": WireVendor(
        "mitake://u:p@{host}", _mitake, "1{serial:09}", "[1]\r\nstatuscode=v\r\nAccountPoint=12572\r\n"
    ),
    "twilio": WireVendor(
        "twilio://AC{zeros}:t@{host}?from=%2B12025550100", _twilio, "SM{serial:032}", _TWILIO_REFUSAL, 201, 400
    ),
}
