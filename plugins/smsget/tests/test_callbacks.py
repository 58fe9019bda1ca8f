"""SMS-Get's pushes: chapters 2 and 4 of the document, and what ``wire-facts`` §5 adds."""

from __future__ import annotations

from datetime import datetime
from urllib.parse import quote, urlencode

import pytest

import sms_core
from sms_core import Callback, CallbackRefused, CallbackRequest, DeliveryReport, DeliveryStatus, InboundMessage
from sms_core.provider import SMPP_STATES as STATES
from sms_core.provider import TAIPEI

FORM = {"Content-Type": "application/x-www-form-urlencoded"}


def push(code: str = "", method: str = "POST", **fields: str) -> Callback:
    sms = sms_core.connect(sms_core.dsn.build("sms-get", "user", "pw", **({"code": code} if code else {})))
    body = urlencode(fields)
    if method == "GET":
        return sms.parse_callback(CallbackRequest(method, "/receive.php", body))
    return sms.parse_callback(CallbackRequest(method, "/receive.php", "", FORM, body.encode()))


def reports(content: str, sms_id: str = "1783822") -> list[DeliveryReport]:
    events = push(sms_id=sms_id, content=content).events
    assert all(isinstance(report, DeliveryReport) for report in events)
    return list(events)  # type: ignore[arg-type]


def replies(content: str, code: str = "") -> list[InboundMessage]:
    events = push(code, content=content).events
    assert all(isinstance(reply, InboundMessage) for reply in events)
    return list(events)  # type: ignore[arg-type]


def reply(text: str, code: str = "") -> InboundMessage:
    """A reply as the vendor pushes it: the text encoded inside, and once more with the form."""
    (reply,) = replies(f"0900000001|1634110261249|2021-10-13 15:30:01|{quote(text, safe='')}", code)
    return reply


def test_chapter_2_several_recipients_in_one_push() -> None:
    """若單筆訊息有多收件人,將以逗點分隔."""
    rows = ["0900000001|a|2013-01-01 21:08:07|DELIVRD", " 13500000123|b|2013-01-01 21:08:08|EXPIRED"]
    rows += ["0012025550100|c||REJECTD", "", "54000123|d|soon|undeliv", "819000000123|e", "nobody|f|x|DELIVRD"]
    found = reports(",".join(rows))
    assert [event.number for event in found] == [
        "+886900000001",
        "+8613500000123",
        "+12025550100",
        "+85254000123",
        "+819000000123",
    ]
    assert [event.status.name for event in found] == ["DELIVERED", "EXPIRED", "REJECTED", "UNDELIVERABLE", "UNKNOWN"]
    assert [event.done_at is None for event in found] == [False, False, True, True, True]
    assert len({event.key for event in found}) == 5


@pytest.mark.parametrize("state", [*STATES, "SOMETHING"])
def test_states(state: str) -> None:
    (report,) = reports(f"0900000001|a|2013-01-01 21:08:07|{state}")
    assert (report.status, report.vendor_code) == (STATES.get(state, DeliveryStatus.UNKNOWN), state)


EXAMPLE = "03%E9%9B%99%E5%90%91%E7%B0%A1%E8%A8%8A%E5%9B%9E%E5%82%B3"


@pytest.mark.parametrize("code", ["", "03"])
def test_chapter_4_reply(code: str) -> None:
    callback = push(code, content=f"0900000001|59c4e123|2013-01-01 21:08:07|{EXAMPLE}")
    (message,) = callback.events
    assert isinstance(message, InboundMessage)
    assert (message.number, message.text, message.batch_id) == ("+886900000001", "雙向簡訊回傳", "")
    assert message.received_at == datetime(2013, 1, 1, 21, 8, 7, tzinfo=TAIPEI)
    assert message.raw["text"] == "03雙向簡訊回傳"
    assert message.raw["content"] == EXAMPLE
    assert callback.response.body == b"ok"


@pytest.mark.parametrize(
    ("text", "code", "stripped"),
    [
        ("24測試", "", "測試"),
        ("24測試", "24", "測試"),
        ("24測試", "03", "24測試"),  # not this account's code, so it is no code
        ("03 好", "03", "好"),
        ("0312", "03", "12"),
        ("12點見", "", "點見"),  # without the account's code, two digits are taken for one
        ("測試", "", "測試"),
        ("測試", "03", "測試"),
        ("03", "", ""),
        ("03a|b,c|d", "", "a|b,c|d"),
        ("03100% +1 &=", "03", "100% +1 &="),
        ("03%E9%9B%99", "03", "%E9%9B%99"),  # what the recipient wrote is decoded once, not until it is gone
        ("03好,0900000002|x|2021-10-13 15:30:01|03假", "", "好,0900000002|x|2021-10-13 15:30:01|03假"),
    ],
)
def test_texts_and_codes(text: str, code: str, stripped: str) -> None:
    message = reply(text, code)
    assert (message.text, message.raw["text"]) == (stripped, text)


def test_blanks_come_as_plus() -> None:
    (message,) = replies("0900000001|1|2021-10-13 15:30:01|03yes+please%2Bnow")
    assert message.text == "yes please+now"


def test_several_replies_in_one_push() -> None:
    row = "0900000001|1|2021-10-13 15:30:01|03a"
    assert [reply.text for reply in replies(f"{row},{row.replace('03a', '03%2C%7C')},{row}")] == ["a", ",|", "a"]
    assert [reply.text for reply in replies(f"{row}, {row.replace('03a', '03%41')},")] == ["a", "A"]


@pytest.mark.parametrize("text", ["03好 100%", "03a|b", "03a, b", "03%FF", "03%zz"])
def test_a_text_that_is_not_encoded_inside_stays_as_it_is(text: str) -> None:
    (message,) = replies(f"0900000001|1|2021-10-13 15:30:01|{text}")
    assert message.raw["text"] == text


def test_a_text_that_is_not_encoded_forges_no_other_reply() -> None:
    forged = "03好,0900000002|x|2021-10-13 15:30:01|03yes"
    (message,) = replies(f"0900000001|1|2021-10-13 15:30:01|{forged}")
    assert message.raw["text"] == forged


def test_a_repeated_push_has_the_same_key_and_another_event_another() -> None:
    row = "0900000001|a|2013-01-01 21:08:07|DELIVRD"
    keys = [reports(row)[0].key, reports(row, "2")[0].key, reports(row.replace("|a|", "|b|"))[0].key]
    keys += [reply("03a").key, reply("03b").key]
    assert len(set(keys)) == len(keys)
    assert reports(row)[0].key == keys[0]
    assert "900000001" not in "".join(keys)


def test_keys_in_any_case_and_doubled_and_a_plus_that_arrived_as_a_blank() -> None:
    body = b"SMS_ID=1783822&sms_id=&Content=&CONTENT=+886900000001%7Ca%7C2013-01-01+21%3A08%3A07%7CDELIVRD"
    (report,) = sms_core.connect("sms-get://a:b@").parse_callback(CallbackRequest("POST", "/", "", FORM, body)).events
    assert isinstance(report, DeliveryReport)
    assert (report.number, report.batch_id, report.status) == ("+886900000001", "1783822", DeliveryStatus.DELIVERED)


def test_fields_in_the_url_of_a_get_and_of_a_post() -> None:
    """The document shows them in the URL, and says POST."""
    row = "0900000001|a|2013-01-01 21:08:07|DELIVRD"
    assert push(method="GET", SMS_ID="1", Content=row).events == tuple(reports(row, "1"))
    request = CallbackRequest("POST", "/receive.php", urlencode({"sms_id": "1", "content": row}))
    assert sms_core.connect("sms-get://user:pw@").parse_callback(request).events == tuple(reports(row, "1"))


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"sms_id": "1"},
        {"content": ""},
        {"sms_id": "1", "content": "0900000001"},
        {"sms_id": "1", "content": "||||"},
        {"content": "hello"},
        {"content": "0900000001|a|2013-01-01 21:08:07|DELIVRD"},  # a report whose sms_id is lost
    ],
)
def test_what_is_no_push_is_refused(fields: dict[str, str]) -> None:
    with pytest.raises(CallbackRefused, match="SMS-Get"):
        push(**fields)


def test_another_method_is_refused() -> None:
    with pytest.raises(CallbackRefused, match="POST or GET, not PUT") as caught:
        push(method="PUT", sms_id="1", content="x")
    assert caught.value.status == 405
