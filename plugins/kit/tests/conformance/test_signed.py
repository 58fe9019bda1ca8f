"""A vendor whose requests are signed can be written purely, and passes the kit."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import attrs
import pytest

from plugins.kit.tests.conformance.signed import INFO, Signed, SignedFace, SignedServer, signed_face
from sms_core import AuthenticationFailed, Client, Limits, Message, ProviderInfo, hookimpl
from sms_core.provider import Send
from sms_core.testing import Draft, FakeTransport, connect_provider
from sms_core_kit import ProviderConformance
from sms_core_kit.checks.faces import RecordingClock
from sms_core_kit.faults import FaultChecks, Read, Trial, personal, plain
from sms_core_kit.sandboxes import open_sandbox

PASSWORD = "pa55-of-nobody"
NOW = datetime(2026, 1, 1, tzinfo=UTC)


class TestSigned(ProviderConformance):
    provider = Signed()
    dsn = f"signed://user:{PASSWORD}@"
    recordings = Path(__file__).parent / "recordings" / "signed"
    face = signed_face()


class TestSignedUnderFire(FaultChecks):
    """Over real sockets: what is tried again is signed anew, and what is replayed is taken once."""

    provider = "signed"
    plugin = Signed()
    face = signed_face()
    sends = (plain, personal)
    reads = (
        Read("balance", lambda sms, result: sms.balance(), bare_number=True),
        Read("check", lambda sms, result: sms.check()),
    )
    most_recipients = 2  # each takes a request

    def check_evidence(self, trial: Trial) -> None:
        assert trial.settled.outcomes == trial.result.outcomes, "nobody can be asked, but by a replay"


class OneKeyForAll(Signed):
    """It sends two recipients under the key of the first, and declares that each can be asked again."""

    @hookimpl
    def sms_describe(self) -> ProviderInfo:
        return attrs.evolve(INFO, limits=Limits(recipients=2))

    def fields(self, operation: Send) -> dict[str, str]:
        numbers = ",".join(destination.number for destination in operation.destinations)
        return {"key": self.key(operation), "to": numbers, "text": operation.destinations[0].text}


class OneKeyForAllFace(SignedFace):
    def drafts(self, fields: dict[str, str]) -> list[Draft]:
        return [Draft(number, fields["text"], Decimal(1)) for number in fields["to"].split(",")]


class KeysOfRequests(ProviderConformance):
    __test__ = False
    provider = OneKeyForAll()
    dsn = TestSigned.dsn
    recordings = TestSigned.recordings
    face = signed_face(OneKeyForAllFace)


def test_a_key_of_the_whole_request_is_no_replay() -> None:
    assert KeysOfRequests.face is not None
    with (
        open_sandbox(faces={"signed": KeysOfRequests.face}, clock=RecordingClock()) as box,
        pytest.raises(AssertionError, match="3 texts were taken, of 2 recipients"),
    ):
        KeysOfRequests().test_the_face_takes_a_replay_once(box)


def client_of(server: SignedServer, password: str = PASSWORD, now: datetime = NOW) -> Client:
    return connect_provider(
        Signed(),
        f"signed://user:{password}@",
        transport=FakeTransport(server),
        clock=lambda: now,
        sleep=lambda seconds: None,
    )


def test_each_request_is_signed_with_a_nonce_of_its_own() -> None:
    server = SignedServer(PASSWORD, NOW)
    with client_of(server) as sms:
        sms.send(Message("您好", ["+886900000001", "+886900000002"]))
        sms.balance()
    assert [fields.get("to") for fields in server.taken] == ["+886900000001", "+886900000002", None]
    assert len(set(server.nonces)) == 3
    assert all(len(nonce) == 32 for nonce in server.nonces)


def test_a_question_that_is_asked_again_has_another_nonce() -> None:
    server = SignedServer(PASSWORD, NOW, busy=2)
    with client_of(server) as sms:
        assert sms.balance().credit == 80
    assert len(set(server.nonces)) == 3


@pytest.mark.parametrize(("password", "age"), [("wrong", timedelta()), (PASSWORD, timedelta(hours=1))])
def test_the_server_takes_nothing_else(password: str, age: timedelta) -> None:
    server = SignedServer(PASSWORD, NOW)
    with client_of(server, password, NOW - age) as sms, pytest.raises(AuthenticationFailed):
        sms.send("您好", to="+886900000001")
    assert not server.taken
