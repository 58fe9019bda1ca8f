"""SmBulkSend has user and password in its URL: nobody sees them, over a real wire too. The kit checks the rest."""

from __future__ import annotations

import logging
from urllib.parse import quote, urlencode

import pytest

import sms_core
from sms_core import CallbackRequest, Message
from sms_core.middleware import LogOperations
from sms_core_kit.checks.secrets import shown
from sms_core_sandbox import Sandbox

PASSWORD = "pass-WORD+/=%&"
TEXT = "祕密的內容 secret words"
NUMBERS = ["0900000001", "0900000002"]
SECRETS = [PASSWORD, quote(PASSWORD, safe=""), "pass-WORD", "900000001", "900000002", "祕密的內容", "secret%20words"]


def test_over_a_real_wire(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with Sandbox(faces=["mitake"]) as box:
        box.exchange.add_account("UID", PASSWORD, 50)
        dsn = box.dsn("mitake", user="UID", password=PASSWORD)
        with sms_core.connect(dsn, plugins=[LogOperations()]) as sms:
            result = sms.send(Message(TEXT, NUMBERS))
            seen = [shown(result), shown(list(sms.reports(result)))]
            for kind in ("half", "drop_before", "drop_after", "502", "garbage"):
                box.faults.add(kind, match="SmBulkSend")
                with pytest.raises(sms_core.OutcomeUnknown) as caught:
                    sms.send(TEXT, to=NUMBERS)
                seen.append(shown(caught.value))
        closed = sms_core.connect(dsn.replace(str(box.port), "1"), plugins=[LogOperations()])
        with pytest.raises(sms_core.NotSent) as nowhere:
            closed.send(TEXT, to=NUMBERS)
        with pytest.raises(sms_core.AuthenticationFailed) as refused:
            sms_core.connect(box.dsn("mitake", user="UID", password=PASSWORD + "x")).send(TEXT, to=NUMBERS)
        seen += [shown(nowhere.value), shown(refused.value), shown(box.pushes), shown(box.faults.applied)]
    everything = "\n".join([*seen, caplog.text, *(repr(record.__dict__) for record in caplog.records)])
    assert "mitake send" in everything
    for secret in SECRETS:
        assert secret not in everything


def test_callbacks() -> None:
    sms = sms_core.connect("mitake://UID:PWD@")
    fields = {"msgid": "8091234567", "dstaddr": NUMBERS[0], "statusstr": "DELIVRD", "StatusFlag": "4"}
    request = CallbackRequest("GET", "/secret-path", urlencode(fields), {}, TEXT.encode())
    seen = [shown(request), shown(sms.parse_callback(request))]
    with pytest.raises(sms_core.CallbackRefused) as caught:
        sms.parse_callback(CallbackRequest("GET", request.path, urlencode(fields | {"msgid": f"{NUMBERS[0]} {TEXT}"})))
    seen.append(shown(caught.value))
    for secret in [*SECRETS, "secret-path"]:
        assert secret not in "\n".join(seen)
