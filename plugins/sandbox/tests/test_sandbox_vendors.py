"""What is a vendor's own: its accounts, where it pushes to, which states, what it takes for an answer."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
import urllib3

import sms_core
import sms_core_mitake
import sms_core_smsgo
from sms_core import Message
from sms_core.testing import Approved, LoginRefused
from sms_core_sandbox import Sandbox
from sms_core_twilio.sandbox import ACCOUNT

VENDORS = ("every8d", "every8d-soap", "mitake", "sms-get", "smsgo", "twilio")


@pytest.fixture(scope="module")
def whole_box() -> Iterator[Sandbox]:
    with Sandbox(faces=VENDORS, push_delay=0.0, push_interval=0.01) as box:
        yield box


@pytest.fixture
def every_vendor(whole_box: Sandbox) -> Iterator[Sandbox]:
    whole_box.reset()
    yield whole_box
    whole_box.callback_url = None


class TestAccounts:
    def test_each_vendor_has_a_balance_in_its_own_unit(self, every_vendor: Sandbox) -> None:
        found = {}
        for vendor in VENDORS:
            with sms_core.connect(every_vendor.dsn(vendor)) as sms:
                if vendor != "every8d-soap":
                    sms.send("您好", "0900000001")
                found[vendor] = sms.balance().credit
        assert found == {
            "every8d": Decimal(99_999),
            "every8d-soap": Decimal(99_999),  # one account, two APIs
            "mitake": Decimal(99_999),
            "sms-get": Decimal(99_999),
            "smsgo": Decimal(99_999),
            "twilio": Decimal("999.9925"),
        }

    def test_a_vendor_does_not_know_the_others_users(self, every_vendor: Sandbox) -> None:
        every_vendor.exchange.of("mitake").add_account("shop", "secret", 5)
        assert every_vendor.exchange.account("shop").credit == 5
        with pytest.raises(LoginRefused):
            every_vendor.exchange.of("smsgo").login("shop", "secret")
        with pytest.raises(LoginRefused):
            every_vendor.exchange.of("every8d").login(ACCOUNT, "sandbox-password")

    def test_one_that_all_vendors_get_is_each_vendors_own(self, every_vendor: Sandbox) -> None:
        exchange = every_vendor.exchange
        exchange.add_account("all", "secret", 5)
        exchange.of("mitake").set_credit("all", 1)
        assert (exchange.of("mitake").account("all").credit, exchange.of("smsgo").account("all").credit) == (1, 5)
        with pytest.raises(KeyError, match="several vendors"):
            exchange.account("all")

    def test_a_batch_is_its_vendors(self, every_vendor: Sandbox) -> None:
        with sms_core.connect(every_vendor.dsn("every8d")) as sms:
            batch = sms.send("您好", "0900000001").batches[0]
        exchange = every_vendor.exchange
        assert len(exchange.of("every8d").batch("sandbox", batch)) == 1
        with pytest.raises(LookupError):
            exchange.of("mitake").batch("sandbox", batch)
        assert (len(exchange.of("every8d").accepted), exchange.of("mitake").messages) == (1, ())

    def test_mitake_counts_whole_points(self, every_vendor: Sandbox) -> None:
        every_vendor.exchange.of("mitake").set_credit("sandbox", Decimal("7.5"))
        with sms_core.connect(every_vendor.dsn("mitake")) as sms:
            assert sms.balance().credit == 7


class TestWhere:
    def test_a_send_without_a_url_is_silent_and_the_message_says_so(
        self, every_vendor: Sandbox, receive: Callable[..., Any]
    ) -> None:
        receiver = receive()
        every_vendor.callback_url = receiver.url
        for vendor in ("mitake", "smsgo", "twilio"):
            with sms_core.connect(every_vendor.dsn(vendor)) as sms:
                sms.send("您好", "0900000001")
        assert every_vendor.wait_pushed()
        assert (receiver.queries, every_vendor.pushes) == ([], ())
        assert {message.notes for message in every_vendor.exchange.messages} == {("no report: this send named no URL",)}

    def test_the_url_of_the_send_itself(self, every_vendor: Sandbox, receive: Callable[..., Any]) -> None:
        account, reports, replies = receive(), receive(), receive()
        every_vendor.callback_url = account.url
        options = sms_core_smsgo.SendOptions(report_url=reports.url, reply_url=replies.url)
        with sms_core.connect(every_vendor.dsn("smsgo")) as sms:
            sms.send(Message("a", "0900000908", options=options))
        assert every_vendor.exchange.messages[0].notes == ()
        assert every_vendor.wait_pushed()
        assert {query["statusstr"] for query in reports.queries} == {"DELIVRD"}
        assert {query["smbody"] for query in replies.queries} == {"好的，收到了。"}
        assert account.queries == []

    def test_an_account_s_url_for_each_vendor(self, every_vendor: Sandbox, receive: Callable[..., Any]) -> None:
        receiver = receive()
        every_vendor.callback_url = {"every8d": receiver.url}
        for vendor in ("every8d", "every8d-soap"):
            with sms_core.connect(every_vendor.dsn(vendor)) as sms:
                sms.send("您好", "0900000001")
        assert every_vendor.wait_pushed()
        assert [attempt.face for attempt in every_vendor.pushes] == ["every8d"]
        assert "callback_url" not in every_vendor.dsn("twilio")

    def test_nobody_outside_is_called_for_a_url_in_a_send(self, every_vendor: Sandbox) -> None:
        options = sms_core_mitake.SendOptions(report_url="https://sms.example.org/cb")
        with sms_core.connect(every_vendor.dsn("mitake")) as sms:
            sms.send(Message("您好", "0900000001", options=options))
        assert every_vendor.wait_pushed()
        assert {(push.attempt, push.taken, push.status) for push in every_vendor.pushes} == {(0, False, None)}
        assert "'sms.example.org' is neither this machine" in every_vendor.pushes[0].error

    def test_every_state_that_mitake_pushes(self, every_vendor: Sandbox, receive: Callable[..., Any]) -> None:
        receiver = receive()
        options = sms_core_mitake.SendOptions(report_url=receiver.url)
        with sms_core.connect(every_vendor.dsn("mitake")) as sms:
            sms.send(Message("您好", "0900000903", options=options))
        assert every_vendor.wait_pushed()
        flags = [query["StatusFlag"] for query in receiver.queries]
        assert list(dict.fromkeys(flags)) == ["1", "6"]

    def test_a_cancelled_booking_is_pushed_by_mitake(self, every_vendor: Sandbox, receive: Callable[..., Any]) -> None:
        receiver = receive()
        options = sms_core_mitake.SendOptions(report_url=receiver.url)
        with sms_core.connect(every_vendor.dsn("mitake")) as sms:
            later = every_vendor.clock.now() + timedelta(hours=1)
            booked = sms.send(Message("您好", "0900000001", send_at=later, options=options))
            sms.cancel(booked.batches[0])
        assert every_vendor.wait_pushed()
        assert {query["StatusFlag"] for query in receiver.queries} == {"9"}


@contextmanager
def raw_receiver(answer: bytes) -> Generator[str, None, None]:
    """Answers every connection with these bytes and closes it."""
    server = socket.create_server(("127.0.0.1", 0))
    server.settimeout(0.05)
    ended = threading.Event()

    def serve() -> None:
        while not ended.is_set():
            try:
                connection, _ = server.accept()
            except TimeoutError:
                continue
            with connection:
                connection.recv(65536)
                connection.sendall(answer)

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.getsockname()[1]}/"
    finally:
        ended.set()
        thread.join()
        server.close()


@pytest.mark.parametrize(
    ("answer", "taken"),
    [
        (b"HTTP/1.0 200 OK\r\n\r\n", True),  # BaseHTTPRequestHandler.send_response(200)
        (b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nThanks", True),  # php -S
        (b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf", False),
        (b"HTTP/1.1 302 Found\r\nLocation: /\r\n\r\n", False),
        (b"hello\r\n", False),
    ],
)
def test_a_200_that_ends_with_its_connection_is_an_acknowledgement(
    every_vendor: Sandbox, answer: bytes, taken: bool
) -> None:
    with raw_receiver(answer) as url:
        every_vendor.callback_url = url
        with sms_core.connect(every_vendor.dsn("every8d")) as sms:
            sms.send("您好", "0900000001")
        assert every_vendor.wait_pushed()
    assert every_vendor.pushes[-1].taken is taken
    assert len(every_vendor.pushes) == (1 if taken else 11)


class TestCarriers:
    APPROVED = Approved(names=["互動資通"], links=["https://e8d.tw/a"], telephones=["02-2345-6789"])

    @pytest.mark.parametrize(
        ("text", "reason"),
        [
            ("【互動資通】您的驗證碼是 123456", ""),
            ("互動資通 https://e8d.tw/a，客服 (02)23456789。訂單 20261128", ""),
            ("您的驗證碼是 123456", "names no approved sender"),
            ("【互動資通】https://e8d.tw/b", "https://e8d.tw/b is not registered"),
            ("【互動資通】請看 evil.example.com/x 謝謝", "evil.example.com/x is not registered"),
            ("【互動資通】請電 0912-345-678", "0912-345-678 is not registered"),
            ("【互動資通】請電0223456780", "0223456780 is not registered"),
        ],
    )
    def test_a_text_that_breaks_a_rule_is_taken_charged_and_never_delivered(
        self, every_vendor: Sandbox, text: str, reason: str
    ) -> None:
        every_vendor.exchange.of("every8d").add_account("checked", "secret", 10, approved=self.APPROVED)
        with sms_core.connect(every_vendor.dsn("every8d", user="checked", password="secret")) as sms:
            result = sms.send(text, "0900000001")
            (report,) = sms.reports(result)
        (message,) = every_vendor.exchange.messages
        assert result.cost == 1
        assert report.vendor_code == ("105" if reason else "100")
        assert bool(message.notes) is bool(reason)
        assert reason in "".join(message.notes)

    def test_texts_abroad_are_not_meant(self, every_vendor: Sandbox) -> None:
        every_vendor.exchange.of("every8d").add_account("checked", "secret", 10, approved=self.APPROVED)
        with sms_core.connect(every_vendor.dsn("every8d", user="checked", password="secret")) as sms:
            sms.send("hello", "+12025550100")
        assert every_vendor.exchange.messages[0].notes == ()

    def test_a_text_is_no_list_of_texts(self) -> None:
        with pytest.raises(TypeError):
            Approved(names="互動資通")


def test_a_url_that_has_a_query_is_extended_as_each_vendor_does_it(
    every_vendor: Sandbox, receive: Callable[..., Any]
) -> None:
    receiver = receive()
    url = f"{receiver.url}?shop=7"
    every_vendor.callback_url = url
    options = {
        "every8d": (),
        "mitake": (sms_core_mitake.SendOptions(report_url=url),),
        "smsgo": (sms_core_smsgo.SendOptions(report_url=url),),
    }
    notes = {}
    for vendor, wishes in options.items():
        with sms_core.connect(every_vendor.dsn(vendor)) as sms:
            notes[vendor] = sms.send(Message("您好", "0900000001", options=wishes)).notes
    assert every_vendor.wait_pushed()
    urls = {push.face: push.request.url for push in every_vendor.pushes if push.request}
    assert "?shop=7&BatchID=" in urls["every8d"]
    assert "?shop=7&msgid=" in urls["mitake"]  # a guess: no document says it
    assert "?shop=7?msgid=" in urls["smsgo"]  # chapter 2: response字串?msgid=MsgId
    assert notes["every8d"] == ()
    assert [len(notes[vendor]) for vendor in ("mitake", "smsgo")] == [1, 1]


def test_mitake_says_in_which_charset_it_refuses(every_vendor: Sandbox) -> None:
    answer = urllib3.request("GET", f"{every_vendor.url}/mitake/b2c/mtk/SmQuery", retries=False)
    assert answer.headers["content-type"] == "text/plain; charset=Big5"
    assert "請輸入帳號" in answer.data.decode("cp950")


@pytest.mark.parametrize(
    "path",
    [
        "mitake/api/mtk/SmQueryGet?username=sandbox&password=sandbox-password",
        "smsgo/sms_gw/queryBulk.aspx?username=sandbox&password=sandbox-password",
        "smsgo/sms_gw/query.aspx?username=sandbox&password=sandbox-password",
        "smsgo/sms_gw/Query_Point.aspx?username=sandbox&password=sandbox-password",
        "every8d/prepaid/API21/HTTP/getcredit.ashx?UID=sandbox&PWD=sandbox-password",
        "sms-get/api_query_credit.php?username=sandbox&password=sandbox-password",
    ],
)
def test_paths_that_clients_use(every_vendor: Sandbox, path: str) -> None:
    assert urllib3.request("GET", f"{every_vendor.url}/{path}", retries=False).status == 200


@pytest.mark.parametrize(
    "path",
    ["every8d/API21/HTTP/SendSMS.ashx", "mitake/SmSend", "sms-get/api_send.php", "smsgo/sms_gw/sendsms.aspx"],
)
def test_other_methods_are_not_allowed(every_vendor: Sandbox, path: str) -> None:
    answer = urllib3.request("PUT", f"{every_vendor.url}/{path}", retries=False)
    assert (answer.status, answer.headers["allow"]) == (405, "GET, POST")
