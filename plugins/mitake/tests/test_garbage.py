"""Whatever a message holds reaches the vendor as it is or is refused; whatever arrives is a result or a named error."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import sms_core
from sms_core import Client, InvalidMessage, MalformedResponse, Message, Recipient, VendorError
from sms_core.http import Response
from sms_core.provider import Cancel, GetBalance, GetReports, Operation
from sms_core.testing import FakeTransport
from sms_core_mitake import SendOptions
from sms_core_mitake.answers import read
from sms_core_mitake.responses import parse
from sms_core_sandbox import Sandbox

texts = st.text(st.characters(codec="utf-8"), max_size=20)
pieces = st.lists(
    st.sampled_from(["$", "$$", "\r", "\n", "\r\n", "\x06", "a", "字", "😀", "=", "[1]", ";", "%24"]) | texts
)
hostile = pieces.map("".join)


@pytest.fixture(scope="module")
def box() -> Iterator[Sandbox]:
    with Sandbox(faces=["mitake"]) as sandbox:
        yield sandbox


@pytest.fixture(scope="module", params=["UTF-8", "Big5"])
def sms(box: Sandbox, request: pytest.FixtureRequest) -> Iterator[Client]:
    with sms_core.connect(box.dsn("mitake", charset=request.param)) as client:
        yield client


@given(text=hostile, other=hostile, name=hostile, reference=hostile, url=hostile, batch=hostile)
@settings(max_examples=60, deadline=None)
def test_a_message_arrives_as_it_is_or_is_refused(
    box: Sandbox, sms: Client, text: str, other: str, name: str, reference: str, url: str, batch: str
) -> None:
    box.reset()
    options = SendOptions(report_url=f"https://example.org/{url}" if url else "", object_id=batch)
    to = [Recipient("0900000001", name), Recipient("0900000002", text=other)]
    message = Message(text, to[: 1 + bool(other)], reference=reference, options=options)
    try:
        result = sms.send(message)
    except InvalidMessage:
        assert not box.exchange.accepted
        return
    assert result.accepted == len(message.to)
    line_breaks = {"\r\n": "\n", "\r": "\n"}
    expected = [text, other][: len(message.to)]
    for written, read_as in line_breaks.items():
        expected = [text.replace(written, read_as) for text in expected]
    assert [message.text for message in box.exchange.accepted] == expected
    assert [message.name for message in box.exchange.messages] == [name, ""][: len(message.to)]


ANSWERS = [
    "[3f0c9a52]\r\nmsgid=#000000013\r\nstatuscode=1\r\nDuplicate=Y\r\nAccountPoint=126\r\n",
    "[001]\r\nmsgid=#000000333\r\nstatuscode=0\r\n[002]\r\nstatuscode=v\r\nAccountPoint=92\r\n",
    "statuscode=k\r\nError=無效的連線位址\r\n",
    "AccountPoint=12571\r\n",
    "0311216947\t6\t20060623103807\t1\r\n0311216948\t4\t20060623103808\r\n",
    "0311216947=9\r\n0311216948=?\r\n",
    "<html><body>403 Forbidden</body></html>",
    "e",
]


@st.composite
def mangled(draw: st.DrawFn) -> str:
    """A real answer cut, doubled, shuffled."""
    body = draw(st.sampled_from(ANSWERS))
    cut = body[draw(st.integers(0, len(body))) :][: draw(st.integers(0, len(body)))]
    parts = draw(st.permutations([cut[start : start + 7] for start in range(0, len(cut), 7)]))
    return draw(st.sampled_from([body, cut, "".join(parts), body + cut, cut + body]))


OPERATIONS: list[Operation[object]] = [GetBalance(), GetReports("0311216947"), Cancel("0311216947")]


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.name)
@given(text=mangled() | texts)
@settings(max_examples=80, deadline=None)
def test_an_answer_is_a_result_or_a_named_error(operation: Operation[object], text: str) -> None:
    """The core would turn a provider's bug into `MalformedResponse`; here none is hidden."""
    with contextlib.suppress(MalformedResponse, VendorError):
        parse(operation, Response(200, body=text.encode("utf-8", "replace")))


@given(text=mangled())
def test_what_is_read_stands_in_the_answer(text: str) -> None:
    with contextlib.suppress(MalformedResponse, VendorError):
        answer = read(text)
        assert all(name in text for name in answer.sections)
        assert answer.ended == text.endswith("\n")


def test_half_a_number_of_points_is_no_balance() -> None:
    answer = b"[1]\r\nmsgid=0313887539\r\nstatuscode=1\r\nsmsPoint=1\r\nAccountPoint=12572\r\n"
    for cut, balance in ((0, 12572), (3, None)):
        transport = FakeTransport([Response(200, body=answer[: len(answer) - cut])])
        result = sms_core.connect("mitake://u:p@", transport=transport).send("hi", "0900000001")
        assert (result.accepted, result.balance) == (1, balance)
