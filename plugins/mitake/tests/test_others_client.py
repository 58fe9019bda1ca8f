"""PyPI's client `mitake`, which others wrote, against the sandbox: each of its calls, and that it cannot read Big5."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from sms_core.provider import TAIPEI
from sms_core_sandbox import Sandbox

FOLDER = Path(__file__).parent / "mitake_0_9_2"


def load() -> Any:
    """The package in the folder beside this file; its README says why it is not installed."""
    spec = importlib.util.spec_from_file_location("mitake", FOLDER / "__init__.py")
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules["mitake"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def box() -> Iterator[Sandbox]:
    with Sandbox(faces=["mitake"], credit=100) as sandbox:
        yield sandbox


@pytest.fixture
def client(box: Sandbox) -> Iterator[Any]:
    box.reset()
    made = load().MitakeClient("sandbox", "sandbox-password", f"{box.url}/mitake")
    yield made
    made.session.close()


def test_a_text(box: Sandbox, client: Any) -> None:
    answer = client.send_sms("0912345678", "您好 100% +1")
    assert (answer["statuscode"], answer["AccountPoint"]) == ("1", "99")
    assert [(sent.number, sent.text) for sent in box.exchange.accepted] == [("+886912345678", "您好 100% +1")]
    assert client.query_account_balance() == {"AccountPoint": "99"}


def test_its_states(box: Sandbox, client: Any) -> None:
    msgids = [client.send_sms(number, "x")["msgid"] for number in ("0900000001", "0900000903")]
    rows = client.query_message_status(msgids)["result"].split("\r\n")
    assert {row.split("\t")[0]: row.split("\t")[1] for row in rows} == dict(zip(msgids, "46", strict=True))


def test_a_batch_with_a_booking_and_a_callback(box: Sandbox, client: Any) -> None:
    at = f"{(box.clock.now() + timedelta(hours=1)).astimezone(TAIPEI):%Y%m%d%H%M%S}"
    first = {"to": "0900000001", "message": "一", "message_id": "a", "callback_url": "http://127.0.0.1:9/cb"}
    client.send_batch_sms([first, {"to": "0900000002", "message": "二", "dest_name": "王", "send_time": at}])
    assert [message.status.value for message in box.exchange.messages] == ["delivered", "scheduled"]
    assert [(message.text, message.name, message.report_url) for message in box.exchange.messages] == [
        ("一", "", "http://127.0.0.1:9/cb"),
        ("二", "王", ""),
    ]


def test_a_refusal_is_in_big5_and_says_so(box: Sandbox, client: Any) -> None:
    client.password = "wrong"
    assert client.query_account_balance() == {"statuscode": "e", "Error": "帳號、密碼錯誤"}
