"""What a provider says that it can do works against its sandbox; what it does not say is refused by name, unasked."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import pytest

import sms_core
from sms_core import Capability, Client, InvalidMessage, Media, Message, Recipient, Unsupported
from sms_core.testing import FakeTransport
from sms_core_sandbox import Sandbox
from tests.support.colours import connect_blocking

NAMES = [info.name for info in sms_core.providers() if info.name != "memory"]
TEXT = "您好"
TO = "0900000001"
TOMORROW = datetime.now(UTC) + timedelta(days=1)


def send_a_picture(sms: Client) -> None:
    """With a subject where the vendor has them, for there it is required."""
    subject = "主旨" if sms.info.can(Capability.SUBJECT) else ""
    sms.send(Message(TEXT, TO, subject=subject, media=Media(b"\xff\xd8\xff\xe0", "jpg")))


ASK: dict[Capability, Callable[[Client, str], Any]] = {
    Capability.SEND: lambda sms, batch: sms.send("send", TO),
    Capability.SUBJECT: lambda sms, batch: sms.send(Message(TEXT, TO, subject="主旨")),
    Capability.SCHEDULE: lambda sms, batch: sms.send(Message(TEXT, TO, send_at=TOMORROW)),
    Capability.VALIDITY: lambda sms, batch: sms.send(Message("validity", TO, validity=timedelta(hours=1))),
    Capability.EMAIL: lambda sms, batch: sms.send(Message("email", Recipient(TO, email="a@example.org"))),
    Capability.INTERNATIONAL: lambda sms, batch: sms.send("abroad", "+12025550100"),
    Capability.MMS: lambda sms, batch: send_a_picture(sms),
    Capability.BALANCE: lambda sms, batch: sms.balance(),
    Capability.REPORTS: lambda sms, batch: list(sms.reports(batch)),
    Capability.INBOUND: lambda sms, batch: list(sms.inbound(batch)),
    Capability.CANCEL: lambda sms, batch: sms.cancel(batch),
}


@pytest.fixture(scope="module")
def sandbox_of() -> Iterator[Callable[[str], Sandbox]]:
    """A vendor's sandbox, which is started once."""
    with ExitStack() as running:
        yield cache(lambda name: running.enter_context(Sandbox(faces=[name])))


@pytest.fixture
def box(name: str, sandbox_of: Callable[[str], Sandbox]) -> Sandbox:
    """The vendor's sandbox, empty."""
    found = sandbox_of(name)
    found.reset()
    return found


@pytest.mark.parametrize("connect", [sms_core.connect, connect_blocking], ids=["sync", "async"])
@pytest.mark.parametrize("capability", ASK)
@pytest.mark.parametrize("name", NAMES)
def test_a_claim_is_true_and_what_is_not_claimed_is_refused(
    box: Sandbox, name: str, capability: Capability, connect: Callable[..., Any]
) -> None:
    dsn = box.dsn(name)
    with connect(dsn) as sms:
        if sms.info.can(capability):
            later = TOMORROW if capability is Capability.CANCEL else None
            batch = sms.send("first", TO, send_at=later).batch_id or ""
            ASK[capability](sms, batch)
            return
    transport = FakeTransport([])
    with pytest.raises(Unsupported) as caught:
        ASK[capability](connect(dsn, transport=transport), "")
    assert caught.value.capability == capability.value
    assert transport.requests == []


@pytest.mark.parametrize("name", NAMES)
def test_one_request_for_personal_texts_or_several(box: Sandbox, name: str) -> None:
    message = Message("", [Recipient("0900000001", text="a"), Recipient("0900000002", text="b")])
    with sms_core.connect(box.dsn(name)) as sms:
        assert sms.preview(message).requests == (1 if sms.info.can(Capability.PERSONAL) else 2)
        assert sms.send(message).accepted == 2
        assert [message.text for message in box.exchange.accepted] == ["a", "b"]


@pytest.mark.parametrize("name", NAMES)
def test_the_limits_that_are_told_are_those_that_hold(box: Sandbox, name: str) -> None:
    """The matrix in the docs and `sms providers` show them."""
    with sms_core.connect(box.dsn(name)) as sms:
        limits = sms.info.limits
        many = [f"+8869{n:08}" for n in range(limits.recipients + 1)]
        assert sms.preview(Message(TEXT, many)).requests == 2
        assert sms.preview(Message(TEXT, many[1:])).requests == 1
        if limits.text is None:
            assert sms.send("字" * 2000, TO).accepted >= 1
        else:
            assert sms.send("字" * limits.text, TO).accepted == 1
            with pytest.raises(InvalidMessage, match=rf"^text: is {limits.text + 1} characters long"):
                sms.send("字" * (limits.text + 1), TO)
        if limits.countries is not None:
            with pytest.raises(InvalidMessage, match=r"^to\[0\]\.number: "):
                sms.send(TEXT, "+491700000000")
        else:
            assert sms.send("abroad", "+491700000000").accepted == 1
        most = min(2, limits.recipients)
    with sms_core.connect(f"{name}://u:p@example.org?max_text=10&batch_size=2") as sms:
        assert (sms.info.limits.text, sms.info.limits.recipients) == (10, most)
