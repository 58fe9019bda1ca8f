"""What an error tracker would write down of a failure at any vendor: no password, token, number or text."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from urllib.parse import quote

import pytest

import sms_core
from sms_core import AuthenticationFailed, Client, MemorySessions, Message, Recipient
from sms_core.provider import Session
from sms_core_sandbox import Sandbox
from sms_core_sandbox.faults import KINDS
from tests.support.frames import shown_by

NAMES = [info.name for info in sms_core.providers() if info.name != "memory"]
TEXT = "祕密驗證碼"
NUMBERS = ("900123457", "900123458")
"""Without what may stand in front of them."""
PASSWORD = "kept-secret-pa55"
USER = "kept-secret-user"


class Noted(MemorySessions):
    """Sessions whose tokens the test may know."""

    def __init__(self) -> None:
        super().__init__()
        self.tokens: set[str] = set()

    def put(self, key: str, found: Session | AuthenticationFailed | None) -> None:
        if isinstance(found, Session) and found.token:
            self.tokens.add(found.token)
        super().put(key, found)


def send(sms: Client) -> object:
    return sms.send(TEXT, to=[f"0{number}" for number in NUMBERS])


def send_personal(sms: Client) -> object:
    return sms.send(Message(f"{TEXT}{{code}}", [Recipient(f"0{number}", params={"code": "7"}) for number in NUMBERS]))


CALLS: dict[str, Callable[[Client], object]] = {
    "send": send,
    "personal": send_personal,
    "balance": lambda sms: sms.balance(),
    "reports": lambda sms: list(sms.reports({"1" * 8: [f"+886{number}" for number in NUMBERS]})),
}


def failure(sms: Client, call: Callable[[Client], object]) -> sms_core.SmsError | None:
    try:
        call(sms)
    except sms_core.SmsError as error:
        return error
    return None


def secrets_of(name: str, store: Noted) -> set[str]:
    user = set() if name == "twilio" else {USER}  # Twilio's is a part of every address, and no secret
    texts = {TEXT, quote(TEXT), quote(TEXT.encode("big5")), TEXT.encode("unicode_escape").decode()}
    return {*NUMBERS, *texts, *store.tokens, PASSWORD, *user}


def sandbox_of(name: str) -> Sandbox:
    box = Sandbox(faces=[name])
    box.exchange.add_account(USER, PASSWORD, Decimal(1000))
    return box


@pytest.mark.parametrize("name", NAMES)
def test_no_failure_shows_a_secret(name: str) -> None:
    leaks = []
    failures = 0
    with sandbox_of(name) as box:
        for kind in KINDS:
            for title, call in CALLS.items():
                store = Noted()
                dsn = box.dsn(name, user=USER, password=PASSWORD, retries=0)
                with sms_core.connect(dsn, sessions=store) as sms:
                    if sms.info.can(sms_core.Capability.BALANCE):
                        sms.balance()
                with sms_core.connect(f"{dsn}&read_timeout=0.3", sessions=store) as sms:
                    box.faults.add(kind, times=None)
                    error = failure(sms, call)
                    box.faults.clear()
                if error is not None:
                    failures += 1
                    leaks += [
                        f"{kind} {title}: {leak}"
                        for leak in shown_by(error, secrets_of(name, store), but_not_in=__file__)
                    ]
    assert failures > len(KINDS)
    assert leaks == []


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("port", ["dead", "refused login"])
def test_no_failure_before_anything_was_sent_shows_a_secret(name: str, port: str) -> None:
    leaks = []
    with sandbox_of(name) as box:
        for title, call in CALLS.items():
            store = Noted()
            dsn = box.dsn(name, user=USER if port == "dead" else "another", password=PASSWORD, retries=0)
            if port == "dead":
                dsn = dsn.replace(f":{box.port}/", ":1/")
            with sms_core.connect(dsn, sessions=store) as sms:
                error = failure(sms, call)
            if error is not None:
                leaks += [f"{title}: {leak}" for leak in shown_by(error, secrets_of(name, store), but_not_in=__file__)]
    assert leaks == []
