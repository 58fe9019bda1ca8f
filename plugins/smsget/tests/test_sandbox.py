"""The sandbox's face against the document, by plain HTTP: no provider has a part in it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import ProxyHandler, build_opener

import pytest

from sms_core.provider import TAIPEI
from sms_core_sandbox import Sandbox

OPEN = build_opener(ProxyHandler({}))
WHO = {"username": "sandbox", "password": "sandbox-password"}
SEND = WHO | {"method": "1", "sms_msg": "您好", "phone": "0900000001"}


@pytest.fixture(scope="module")
def box() -> Iterator[Sandbox]:
    with Sandbox(faces=["sms-get"], credit=1000) as sandbox:
        yield sandbox


@pytest.fixture(autouse=True)
def fresh(box: Sandbox) -> None:
    box.reset()


def ask(box: Sandbox, page: str, fields: dict[str, str], method: str = "POST") -> dict[str, Any]:
    query = urlencode(fields)
    url = f"{box.url}/sms-get/{page}"
    with OPEN.open(f"{url}?{query}") if method == "GET" else OPEN.open(url, query.encode()) as response:
        answer: dict[str, Any] = json.loads(response.read())
    assert set(answer) == {"stats", "error_code", "error_msg"}
    assert answer["stats"] is (answer["error_code"] == "000")
    return answer


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_chapter_1_and_5_by_either_method(box: Sandbox, method: str) -> None:
    batch, used, left = ask(box, "api_send.php", SEND, method)["error_msg"].split("|")
    assert (batch.isdigit(), used, left) == (True, "1", "999")
    assert ask(box, "api_query_credit.php", WHO, method)["error_msg"] == "sandbox|999"
    assert [sent.number for sent in box.exchange.accepted] == ["+886900000001"]


def test_chapter_1_several_countries_and_points(box: Sandbox) -> None:
    fields = SEND | {"phone": "0900000001,13500000123, 54000123", "sms_msg": "中" * 71}
    assert ask(box, "api_send.php", fields)["error_msg"].split("|")[1] == "8"
    assert [sent.number for sent in box.exchange.accepted] == ["+886900000001", "+8613500000123", "+85254000123"]


def test_chapter_3_two_way_is_for_taiwan_and_costs_double(box: Sandbox) -> None:
    fields = SEND | {"phone": "0900000001,13500000123"}
    assert ask(box, "api_send_twoway.php", fields)["error_msg"].split("|")[1] == "2"
    assert [sent.number for sent in box.exchange.accepted] == ["+886900000001"]


def test_chapter_1_booking(box: Sandbox) -> None:
    later = box.clock.now().astimezone(TAIPEI) + timedelta(days=1)
    booked = {"method": "2", "send_date": f"{later:%Y/%m/%d}", "hour": f"{later:%H}", "min": f"{later:%M}"}
    assert ask(box, "api_send.php", SEND | booked)["error_code"] == "000"
    (message,) = box.exchange.messages
    assert message.send_at == later.replace(second=0, microsecond=0)


PAST = {"method": "2", "send_date": "2001/01/01", "hour": "0", "min": "0"}


@pytest.mark.parametrize(
    ("code", "changes"),
    [
        ("001", {"username": ""}),
        ("001", {"method": "3"}),
        ("001", {"sms_msg": ""}),
        ("002", {"method": "2"}),
        ("002", PAST | {"send_date": "2001-01-01"}),
        ("002", PAST | {"hour": "24"}),
        ("003", PAST),
        ("005", {"password": "wrong"}),
        ("005", {"username": "nobody"}),
        ("007", {"phone": ""}),
        ("007", {"phone": "12345"}),
        ("008", {"phone": ",".join(["0900000001"] * 251)}),
        ("009", {"phone": ",".join(f"13500000{n:03}" for n in range(250)), "sms_msg": "中" * 150}),
    ],
)
def test_codes(box: Sandbox, code: str, changes: dict[str, str]) -> None:
    answer = ask(box, "api_send.php", SEND | changes)
    assert (answer["error_code"], answer["stats"]) == (code, False)
    assert not box.exchange.messages
    assert box.exchange.account("sandbox").credit == 1000


def test_what_is_not_percent_encoded_utf_8(box: Sandbox) -> None:
    with OPEN.open(f"{box.url}/sms-get/api_send.php", b"username=%ff") as response:
        assert json.loads(response.read())["error_code"] == "001"


def test_another_page(box: Sandbox) -> None:
    with pytest.raises(HTTPError, match="404") as caught:
        OPEN.open(f"{box.url}/sms-get/api_cancel.php")
    caught.value.close()


def test_an_account_that_may_not_send_abroad(box: Sandbox) -> None:
    box.exchange.add_account("home", "x", 10, international=False)
    ask(box, "api_send.php", SEND | {"username": "home", "password": "x", "phone": "0900000001,54000123"})
    assert [message.behaviour.name for message in box.exchange.messages] == ["delivered", "abroad_closed"]
