"""The sandbox's face against the documents, by plain HTTP: no provider has a part in it."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import ProxyHandler, Request, build_opener

import pytest

import sms_core
from sms_core_sandbox import Sandbox
from sms_core_twilio.sandbox import ACCOUNT, API_KEY, API_SECRET, SERVICE

OPEN = build_opener(ProxyHandler({}))
SEND = {"To": "+886900000002", "From": "+15005550006", "Body": "Hi there"}


@pytest.fixture(scope="module")
def box() -> Iterator[Sandbox]:
    with Sandbox(faces=["twilio"], credit=1000) as sandbox:
        yield sandbox


@pytest.fixture(autouse=True)
def fresh(box: Sandbox) -> None:
    box.reset()


def ask(
    box: Sandbox, path: str, fields: Any = None, method: str = "", who: str = f"{ACCOUNT}:sandbox-password"
) -> tuple[int, dict[str, Any]]:
    """Status and JSON of one request below the account."""
    url = path if path.startswith("/") else f"/2010-04-01/Accounts/{ACCOUNT}/{path}"
    body = None if fields is None else urlencode(fields, doseq=True).encode()
    headers = {"authorization": "Basic " + b64encode(who.encode()).decode()} if who else {}
    request = Request(f"{box.url}/twilio{url}", body, headers, method=method or ("POST" if body else "GET"))
    try:
        with OPEN.open(request) as response:
            return response.status, json.loads(response.read())
    except HTTPError as error:
        with error:
            found = json.loads(error.read())
        assert found["status"] == error.code
        return error.code, found


def test_create_and_fetch(box: Sandbox) -> None:
    status, made = ask(box, "Messages.json", SEND)
    assert (status, made["status"], made["price"], made["date_sent"]) == (201, "queued", None, None)
    assert (made["to"], made["from"], made["body"]) == (SEND["To"], SEND["From"], SEND["Body"])
    assert made["uri"] == f"/2010-04-01/Accounts/{ACCOUNT}/Messages/{made['sid']}.json"
    status, found = ask(box, f"Messages/{made['sid']}.json")
    assert (status, found["status"], found["price"], found["num_segments"]) == (200, "delivered", "-0.00750", "1")
    assert set(found) == set(made)
    assert parsedate_to_datetime(found["date_sent"]).tzinfo is not None
    assert ask(box, "Balance.json")[1] == {"account_sid": ACCOUNT, "balance": "999.9925", "currency": "USD"}


def test_a_service_chooses_the_sender_later(box: Sandbox) -> None:
    fields = {"To": "+886900000002", "MessagingServiceSid": SERVICE, "Body": "x"}
    made = ask(box, "Messages.json", fields)[1]
    assert (made["status"], made["from"], made["num_segments"]) == ("accepted", None, "0")


def test_media(box: Sandbox) -> None:
    made = ask(box, "Messages.json", SEND | {"Body": "", "MediaUrl": ["https://a/b.png", "https://a/c.png"]})[1]
    assert (made["sid"][:2], made["num_media"]) == ("MM", "2")


def test_a_booking_can_be_cancelled_until_its_time(box: Sandbox) -> None:
    at = f"{box.clock.now() + timedelta(days=1):%Y-%m-%dT%H:%M:%SZ}"
    booked = {"To": SEND["To"], "Body": "x", "MessagingServiceSid": SERVICE, "ScheduleType": "fixed", "SendAt": at}
    first, second = (ask(box, "Messages.json", booked)[1] for _ in range(2))
    assert first["status"] == second["status"] == "scheduled"
    status, taken_back = ask(box, f"Messages/{first['sid']}.json", {"Status": "canceled"})
    assert (status, taken_back["status"]) == (200, "canceled")
    box.clock.advance(days=2)
    assert ask(box, f"Messages/{second['sid']}.json")[1]["status"] == "delivered"
    for sid in (first["sid"], second["sid"]):
        assert ask(box, f"Messages/{sid}.json", {"Status": "canceled"})[1]["code"] == 30409


def test_the_list_has_pages(box: Sandbox) -> None:
    for number in ("+886900000002", "+886900000003", "+886900000002", "+886900000002"):
        ask(box, "Messages.json", SEND | {"To": number})
    path, sids, pages = "Messages.json?To=%2B886900000002&PageSize=2", [], 0
    while path:
        answer = ask(box, path)[1]
        assert {message["to"] for message in answer["messages"]} == {"+886900000002"}
        sids += [message["sid"] for message in answer["messages"]]
        path, pages = answer["next_page_uri"], pages + 1
    assert (len(sids), len(set(sids)), pages) == (3, 3, 2)


def test_the_list_is_filtered_by_the_time_of_sending(box: Sandbox) -> None:
    first = ask(box, "Messages.json", SEND)[1]["sid"]
    box.clock.advance(days=2)
    second = ask(box, "Messages.json", SEND)[1]["sid"]
    at = f"{box.clock.now() + timedelta(days=1):%Y-%m-%dT%H:%M:%SZ}"
    ask(box, "Messages.json", {"To": SEND["To"], "Body": "x", **TIME, "SendAt": at})  # has no DateSent
    today, between = box.clock.now(), box.clock.now() - timedelta(days=1)

    def listed(**wanted: str) -> list[str]:
        query = urlencode({f"DateSent{sign.strip('_')}": value for sign, value in wanted.items()})
        return [row["sid"] for row in ask(box, f"Messages.json?{query}")[1]["messages"]]

    assert listed(_=f"{today:%Y-%m-%d}") == [second]
    assert listed(**{"<": f"{between:%Y-%m-%d}"}) == [first]
    assert listed(**{">": f"{between:%Y-%m-%dT%H:%M:%SZ}"}) == [second]
    assert listed(**{">": f"{between:%Y-%m-%d}", "<": f"{today:%Y-%m-%d}"}) == [second]
    assert ask(box, "Messages.json?DateSent=yesterday")[1]["code"] == 70002


def test_redact_and_delete(box: Sandbox) -> None:
    made = ask(box, "Messages.json", SEND)[1]
    path = f"Messages/{made['sid']}.json"
    assert ask(box, path, {"Body": ""})[1]["body"] == ""
    assert ask(box, path)[1]["body"] == ""
    for wrong in ({"Body": "other"}, {"Status": "sent"}, {"Body": "", "Status": "canceled"}, {"a": "b"}):
        assert ask(box, path, wrong)[1]["code"] == 30400
    assert delete(box, path) == 204
    assert ask(box, path)[0] == 404
    assert ask(box, "Messages.json")[1]["messages"] == []
    silent = ask(box, "Messages.json", SEND | {"To": "+886900000900"})[1]["sid"]
    assert ask(box, f"Messages/{silent}.json", method="DELETE")[1]["code"] == 20009


def delete(box: Sandbox, path: str) -> int:
    """The status of a DELETE that has no answer to read."""
    who = b64encode(f"{ACCOUNT}:sandbox-password".encode()).decode()
    url = f"{box.url}/twilio/2010-04-01/Accounts/{ACCOUNT}/{path}"
    with OPEN.open(Request(url, headers={"authorization": f"Basic {who}"}, method="DELETE")) as response:
        assert response.read() == b""
        return int(response.status)


def test_the_media_of_a_message(box: Sandbox) -> None:
    pictures = ["https://a/b.png", "https://a/c"]
    made = ask(box, "Messages.json", SEND | {"MediaUrl": pictures})[1]
    path = f"Messages/{made['sid']}/Media"
    rows = ask(box, f"{path}.json")[1]["media_list"]
    assert [(row["content_type"], row["parent_sid"]) for row in rows] == [
        ("image/png", made["sid"]),
        ("image/jpeg", made["sid"]),
    ]
    assert ask(box, f"{path}/{rows[1]['sid']}.json")[1] == rows[1]
    assert delete(box, f"{path}/{rows[0]['sid']}.json") == 204
    assert ask(box, f"{path}/{rows[0]['sid']}.json")[0] == 404
    assert ask(box, f"Messages/{made['sid']}.json")[1]["num_media"] == "1"


TIME = {"ScheduleType": "fixed", "MessagingServiceSid": SERVICE}


@pytest.mark.parametrize(
    ("code", "changes"),
    [
        (21604, {"To": ""}),
        (21211, {"To": "0900000002"}),
        (21211, {"To": "+886900000909"}),
        (21211, {"To": "+15005550001"}),
        (21612, {"To": "+15005550002"}),
        (21408, {"To": "+15005550003"}),
        (21610, {"To": "+15005550004"}),
        (21614, {"To": "+15005550009"}),
        (21212, {"From": "+15005550001"}),
        (21606, {"From": "+15005550007"}),
        (21611, {"From": "+15005550008"}),
        (21603, {"From": ""}),
        (21705, {"MessagingServiceSid": "MG1"}),
        (21609, {"StatusCallback": "shop"}),
        (21620, {"MediaUrl": "cat.png"}),
        (21602, {"Body": ""}),
        (21617, {"Body": "a" * 1601}),
        (21623, {"MediaUrl": [f"https://a/{n}" for n in range(11)]}),
        (21624, {"ValidityPeriod": "36001"}),
        (21624, {"ValidityPeriod": "0"}),
        (35118, {"ScheduleType": "fixed", "SendAt": "2099-01-01T00:00:00Z"}),
        (35114, TIME | {"SendAt": "2099-01-01T00:00:00Z"}),
        (35114, TIME | {"SendAt": "2001-01-01T00:00:00Z"}),
        (35114, TIME | {"SendAt": "tomorrow"}),
        (35114, TIME | {"SendAt": "2026-99-99T00:00:00Z"}),
        (35111, TIME),
        (35126, TIME | {"SendAt": "2099-01-01T00:00:00Z", "ScheduleType": "daily"}),
    ],
)
def test_codes(box: Sandbox, code: int, changes: dict[str, Any]) -> None:
    status, answer = ask(box, "Messages.json", SEND | changes)
    assert (status, answer.get("code")) == (400, code)
    assert not box.exchange.messages


@pytest.mark.parametrize("who", ["", f"{ACCOUNT}:wrong", "nobody:x", ACCOUNT, "SK1:sandbox-secret", f"{API_KEY}:wrong"])
def test_a_wrong_password(box: Sandbox, who: str) -> None:
    assert ask(box, "Messages.json", SEND, who=who)[1]["code"] == 20003


def test_an_api_key_does_as_well(box: Sandbox) -> None:
    assert ask(box, "Messages.json", SEND, who=f"{API_KEY}:{API_SECRET}")[0] == 201
    with sms_core.connect(box.dsn("twilio", user=API_KEY, password=API_SECRET, account=ACCOUNT)) as sms:
        assert sms.balance().credit == Decimal("999.9925")


def test_another_account_and_another_page(box: Sandbox) -> None:
    assert ask(box, "/2010-04-01/Accounts/other/Messages.json")[0] == 401
    for path in ("Calls.json", "Messages/SM1.json", "/2010-04-01/Accounts"):
        assert ask(box, path)[1]["code"] == 20404
    assert ask(box, "Messages/SM1.json", {"Status": "canceled"})[0] == 404
    assert ask(box, "Balance.json", {"a": "b"})[1]["code"] == 20004
    assert ask(box, f"/2010-04-01/Accounts/{ACCOUNT}.json")[1]["status"] == "active"


def test_an_account_that_has_spent_its_balance_is_suspended(box: Sandbox) -> None:
    box.exchange.set_credit(ACCOUNT, 0)
    assert ask(box, "Messages.json", SEND) == (
        403,
        {
            "code": 10001,
            "message": "Account is not active",
            "more_info": "https://www.twilio.com/docs/errors/10001",
            "status": 403,
        },
    )


def test_an_account_that_may_not_send_abroad(box: Sandbox) -> None:
    box.exchange.add_account(ACCOUNT, "sandbox-password", 10, international=False)
    assert ask(box, "Messages.json", SEND | {"To": "+12025550100"})[1]["code"] == 21408
    assert ask(box, "Messages.json", SEND)[0] == 201
