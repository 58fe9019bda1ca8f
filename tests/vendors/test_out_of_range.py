"""Times and numbers that no calendar and no memory holds: a named error or nothing, wherever they come from."""

from __future__ import annotations

import base64
import http.client
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from urllib.parse import urlencode

import pytest

import sms_core
from sms_core import CallbackRequest, InvalidMessage, Message, Recipient
from sms_core import dsn as dsns
from sms_core.serialize import from_data, from_json, to_data
from sms_core.testing import FakeTransport
from sms_core.webhooks import Receiver
from sms_core_sandbox import Sandbox

NAMES = [info.name for info in sms_core.providers() if info.name != "memory"]
TIMES = (
    "9999-12-31T23:59:59-12:00",
    "9999-12-31 23:59:59",
    "99991231235959",
    "0001-01-01 00:00:00",
    "0001-01-01T00:00:00+14:00",
    "1" * 5000,
    "2026-12-01T09:00:00+99:99",
)
MOMENTS = (
    datetime(9999, 12, 31, 23, 59, 59, tzinfo=timezone(timedelta(hours=-12))),
    datetime.max.replace(tzinfo=UTC),
    datetime.min.replace(tzinfo=UTC),
)
DSNS = {"twilio": "twilio://ACb0b00000000000000000000000000000:token@?from=%2B886900000000"}
PUSHES: Mapping[str, tuple[str, Mapping[str, str]]] = {
    "every8d": ("GET", {"BatchID": "b", "RM": "+886900000001", "STATUS": "100", "RT": "TIME", "ST": "TIME"}),
    "every8d-soap": ("GET", {"BatchID": "b", "RM": "+886900000001", "STATUS": "999", "SM": "hi", "RT": "TIME"}),
    "mitake": (
        "GET",
        {"msgid": "1", "dstaddr": "0900000001", "StatusFlag": "4", "donetime": "TIME", "dlvtime": "TIME"},
    ),
    "smsgo": ("GET", {"msgid": "1", "srcaddr": "0900000001", "smbody": "hi", "timestamp": "TIME"}),
    "sms-get": ("POST", {"sms_id": "1", "content": "0900000001|1|TIME|DELIVRD"}),
}


@pytest.mark.parametrize("time", TIMES)
@pytest.mark.parametrize("name", PUSHES)
def test_a_push_with_such_a_time_is_taken_without_it(name: str, time: str) -> None:
    method, fields = PUSHES[name]
    encoded = urlencode({field: value.replace("TIME", time) for field, value in fields.items()})
    request = CallbackRequest(
        method,
        f"/{name}",
        query=encoded if method == "GET" else "",
        headers={"content-type": "application/x-www-form-urlencoded"},
        body=b"" if method == "GET" else encoded.encode(),
    )
    events: list[object] = []
    receiver = Receiver({name: f"{name}://u:p@"}, events.append, insecure=True)
    assert receiver.receive(request).status == 200
    (event,) = events
    data = to_data(event)
    assert data.get("done_at") is None
    assert data.get("received_at") is None
    assert data.get("sent_at") is None


@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("name", NAMES)
def test_a_send_at_of_such_a_time_is_refused_before_anything_is_sent(name: str, moment: datetime) -> None:
    transport = FakeTransport([])
    sms = sms_core.connect(DSNS.get(name, f"{name}://u:p@"), transport=transport)
    with pytest.raises(InvalidMessage, match="send_at") as caught:
        sms.send("hi", to="0900000001", send_at=moment)
    assert caught.value.field == "send_at"
    with pytest.raises(InvalidMessage, match="send_at"):
        sms.preview(Message("hi", Recipient("0900000001", send_at=moment)))
    assert transport.requests == []


def test_stored_values_out_of_range_are_named_errors() -> None:
    message = to_data(Message("hi", "0900000001"))
    for time in ("9999-12-31T23:59:59-12:00", "0001-01-01T00:00:00+00:00", "2026-12-01T09:00:00", 5, "1" * 5000):
        with pytest.raises(sms_core.ConfigurationError):
            from_data({**message, "send_at": time}, Message)
    for span in (1e300, 10**400, "90s"):
        with pytest.raises(sms_core.ConfigurationError):
            from_data({**message, "validity": span}, Message)
    hostile: tuple[object, ...] = ("NaN", "sNaN", "Infinity", "1E+999999999", "1" * 400, [], None, {})
    for points in hostile:
        with pytest.raises(sms_core.ConfigurationError):
            from_data({"credit": points}, sms_core.Balance)
    assert from_data({"credit": "1E+2"}, sms_core.Balance).credit == Decimal(100)
    with pytest.raises(sms_core.ConfigurationError):
        from_json("[" * 100_000, Message)


@pytest.mark.parametrize(
    ("name", "path", "body", "words"),
    [
        ("mitake", "/b2c/mtk/SmSend", "dstaddr=0900000001&smbody=hi&clientid=%C2%B2", "statuscode=1"),
        ("every8d-soap", "/API21/SOAP/SMS.asmx", "<?xml version='1.0' encoding='none'?><a/>", "unable to read request"),
        (
            "twilio",
            "/2010-04-01/Accounts/USER/Messages.json",
            f"ValidityPeriod={'9' * 5000}&To=%2B886900000001&From=%2B886900000000&Body=hi",
            "Invalid validity period value",
        ),
        ("every8d", "/API21/HTTP/SendParam.ashx", "[" * 100_000, "Result"),
    ],
)
def test_a_sandbox_answers_as_its_vendor_does(name: str, path: str, body: str, words: str) -> None:
    with Sandbox(faces=[name]) as box:
        dsn = dsns.parse(box.dsn(name))
        connection = http.client.HTTPConnection(dsn.host, dsn.port, timeout=20)
        credentials = urlencode({"username": dsn.user, "password": dsn.password})
        basic = base64.b64encode(f"{dsn.user}:{dsn.password}".encode()).decode()
        headers = {"content-type": "application/x-www-form-urlencoded", "authorization": f"Basic {basic}"}
        if name.startswith("every8d"):
            headers = {"content-type": "text/xml" if "soap" in name else "application/json"}
            headers["soapaction"] = '"http://tempuri.org/getCredit"'
        url = f"{dsn.prefix}{path}?{credentials}".replace("USER", dsn.user)
        try:
            connection.request("POST", url, body.encode(), headers)
            assert words in connection.getresponse().read().decode()
        finally:
            connection.close()
