"""The fault suite of the kit for an `AsyncClient`, with a plain send of each vendor."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sms_core import SessionStore
from sms_core_kit.faults import ANSWERED_NO, ENOUGH, MOST_PATIENCE, TOO_LATE, ByMethod, FaultChecks, Read, plain
from sms_core_sandbox import Sandbox
from tests.support.colours import connect_blocking


class AsyncFaults(FaultChecks):
    """Opens clients of the other colour."""

    def _open(self, box: Sandbox, fault: str, sessions: SessionStore, options: Mapping[str, str]) -> Any:
        patience = MOST_PATIENCE if fault in TOO_LATE else ENOUGH
        dsn = box.dsn(self.provider, **{"read_timeout": str(patience), **self.options, **options})
        return connect_blocking(dsn, sessions=sessions, sleep=lambda _: None)


class TestSmsgo(AsyncFaults):
    provider = "smsgo"
    sends = (plain,)
    reads = (Read("query_point", lambda sms, result: sms.balance()),)
    cancel_match = "cancel"
    answered_no = ANSWERED_NO | {"out_of_credit"}


class TestEvery8d(AsyncFaults):
    provider = "every8d"
    sends = (plain,)
    send_match = "Send"
    cancel_match = "EraseBooking"
    login_match = "ConnectionHandler"
    reads = (Read("GetDeliveryStatus", lambda sms, result: list(sms.reports(result))),)


class TestMitake(AsyncFaults):
    provider = "mitake"
    sends = (plain,)
    reads = (Read("SmQuery", lambda sms, result: sms.balance()),)
    cancel_match = "SmCancel"


class TestSmsGet(AsyncFaults):
    provider = "sms-get"
    sends = (plain,)
    reads = (Read("credit", lambda sms, result: sms.balance()),)


class TestTwilio(AsyncFaults):
    provider = "twilio"
    sends = (plain,)
    reads = (Read(ByMethod("GET"), lambda sms, result: list(sms.reports(result))),)
    send_match = ByMethod("POST")
    credit_after = 0
    most_recipients = 2  # each takes a request
