from __future__ import annotations

import doctest

import pytest

from sms_core import TransportError
from sms_core.clocks import BeginBefore
from sms_core.http import Request, Response, Transport
from sms_core.testing import FakeTransport, fake_transport

ASK = Request("GET", "https://sms.invalid/credit?PWD=secret")


def test_the_example_of_its_docstring() -> None:
    failures, examples = doctest.testmod(fake_transport)
    assert (failures, examples > 0) == (0, True)


def test_a_function_answers() -> None:
    network: Transport = FakeTransport(lambda request: Response(200, body=request.method.encode()))
    assert network.send(ASK).body == b"GET"


def test_a_function_may_fail_as_a_network_does() -> None:
    def broken(_: Request) -> Response:
        raise TransportError("cut off", sent=True)

    network = FakeTransport(broken)
    with pytest.raises(TransportError):
        network.send(ASK)
    assert network.requests == [ASK]


def test_a_list_answers_in_turn_and_then_no_more() -> None:
    network = FakeTransport([Response(200), TransportError("refused", sent=False), Response(500)])
    assert network.send(ASK).status == 200
    with pytest.raises(TransportError, match="refused"):
        network.send(ASK)
    assert network.send(ASK).status == 500
    with pytest.raises(AssertionError, match="no answer left") as caught:
        network.send(ASK)
    assert "secret" not in str(caught.value)
    assert len(network.requests) == 4


def test_it_knows_that_it_was_closed() -> None:
    network = FakeTransport([])
    network.close()
    assert network.closed


def test_what_is_too_late_is_neither_answered_nor_kept() -> None:
    network = FakeTransport([Response(200)])
    with pytest.raises(TransportError, match="too late") as caught:
        network.send(Request("POST", "https://sms.invalid/send", begin_before=BeginBefore.within(0)))
    assert caught.value.sent is False
    assert network.requests == []
    assert network.send(Request("POST", "https://sms.invalid/send", begin_before=BeginBefore.within(60))).status == 200
