"""Webhooks over real sockets: signals, the vendor's answer, exactly once, and what is refused."""

from __future__ import annotations

import io
import logging
import socket
import threading
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import pytest
import urllib3
import uvicorn
from django.contrib.auth.models import Group
from django.core.asgi import get_asgi_application
from django.db import IntegrityError, connection, transaction
from django.dispatch import Signal
from django.test import Client, RequestFactory

from sms_core import DeliveryReport, DeliveryStatus, InboundMessage, connect
from sms_core_django import delivery_reported, get_client, message_received
from sms_core_django.events import DatabaseEvents
from sms_core_django.models import HandledEvent
from sms_core_django.views import receive
from sms_core_policy import failover
from sms_core_sandbox import Sandbox

SECRET = "a-secret-of-nobody-0123456789"
BATCH = "c496f706-9b0f-4ff8-9644-9503edbb7064"
REPORT = {
    "BatchID": BATCH,
    "RM": "+886900000001",
    "RT": "20211216160906",
    "STATUS": "100",
    "SM": "",
    "ST": "20211216160900",
    "MR": "order-17",
    "SUBJECT": "",
    "NAME": "",
    "SOURCE": "API",
    "CHARGE": "1.00",
    "TYPE": "SMS",
    "MSGID": "",
}
REPLY = REPORT | {"STATUS": "999", "SM": "好的 謝謝"}
PATH = f"/sms/default/{SECRET}"
Http = Callable[..., urllib3.BaseHTTPResponse]
Listen = Callable[[Signal, Callable[..., Any]], None]
Configure = Callable[..., None]

pytestmark = pytest.mark.usefixtures("database")


class Heard:
    """A receiver of signals that writes to the database, and fails as often as it is told to."""

    def __init__(self, failures: int = 0) -> None:
        self.calls: list[dict[str, Any]] = []
        self.failures = failures

    def __call__(self, sender: object, **given: Any) -> None:
        del given["signal"]
        self.calls.append(given)
        Group.objects.create(name=f"write {len(self.calls)}")
        if len(self.calls) <= self.failures:
            raise LookupError("the receiver is out of order")


def url(site: str, fields: dict[str, str], path: str = PATH) -> str:
    return f"{site}{path}?{urlencode(fields)}"


def written() -> list[str]:
    return sorted(Group.objects.values_list("name", flat=True))


def test_a_report_is_a_signal_and_the_vendor_gets_its_answer(site: str, http: Http, listen: Listen) -> None:
    heard = Heard()
    listen(delivery_reported, heard)
    answer = http("GET", url(site, REPORT))
    assert (answer.status, answer.data, answer.headers["content-type"]) == (200, b"OK", "text/plain; charset=utf-8")
    (call,) = heard.calls
    assert call["alias"] == "default"
    report = call["report"]
    assert isinstance(report, DeliveryReport)
    assert (report.number, report.status, report.batch_id) == ("+886900000001", DeliveryStatus.DELIVERED, BATCH)
    assert HandledEvent.objects.get().key == str(HandledEvent.objects.get()) == report.key


def test_a_reply_is_a_signal_of_its_class(site: str, http: Http, listen: Listen) -> None:
    reports, replies, senders = Heard(), Heard(), []
    listen(delivery_reported, reports)
    listen(message_received, replies)
    listen(message_received, lambda sender, **_: senders.append(sender))
    assert http("GET", url(site, REPLY)).status == 200
    assert reports.calls == []
    assert [(call["message"].text, call["alias"]) for call in replies.calls] == [("好的 謝謝", "default")]
    assert senders == [InboundMessage]


def test_a_form_that_is_posted_needs_no_csrf_token(site: str, http: Http, listen: Listen) -> None:
    heard = Heard()
    listen(delivery_reported, heard)
    body = urlencode({"sms_id": "1783822", "content": "0900000001|59c4e123|2013-01-01 21:08:07|DELIVRD"})
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    answer = http("POST", f"{site}/sms/alerts/{SECRET}", body=body, headers=headers)
    assert (answer.status, answer.data) == (200, b"ok")
    assert [call["alias"] for call in heard.calls] == ["alerts"]


def test_without_listeners_a_push_is_acknowledged_and_said_to_be_forgotten(
    site: str, http: Http, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, "sms_core.django"):
        assert http("GET", url(site, REPORT)).status == 200
    assert "nobody listens" in caplog.text


def test_what_fails_is_pushed_again_handled_once_and_its_writes_are_undone(
    site: str, listen: Listen, configure: Configure
) -> None:
    heard = Heard(failures=2)
    listen(delivery_reported, heard)
    with Sandbox(faces=["every8d"], push_delay=0.0, push_interval=0.01) as box:
        configure(
            SMS={"default": {"DSN": box.dsn("every8d")}},
            SMS_BACKEND="sms_core_django.backends.vendor",
        )
        box.callback_url = f"{site}{PATH}"
        result = get_client().send("您好", "0900000001")
        assert box.wait_pushed(20.0)
        assert [(attempt.status, attempt.taken) for attempt in box.pushes] == [(500, False), (500, False), (200, True)]
        configure(SMS={})
    assert [call["report"].batch_id for call in heard.calls] == [result.batch_id] * 3
    assert written() == ["write 3"]
    assert HandledEvent.objects.count() == 1


def test_a_repeated_push_is_acknowledged_and_not_handled_again(site: str, http: Http, listen: Listen) -> None:
    heard = Heard()
    listen(delivery_reported, heard)
    answers = [http("GET", url(site, REPORT)) for _ in range(3)]
    assert [(answer.status, answer.data) for answer in answers] == [(200, b"OK")] * 3
    assert len(heard.calls) == 1


@pytest.mark.parametrize("store", ["sms_core_django.events.DatabaseEvents", "sms_core.webhooks.MemoryEvents"])
def test_sixteen_threads_that_push_the_same_event(site: str, listen: Listen, configure: Configure, store: str) -> None:
    configure(SMS_WEBHOOK_STORE=store)
    heard = Heard(failures=1)
    listen(delivery_reported, heard)
    statuses: list[int] = []
    gate = threading.Barrier(16)

    def push_until_taken() -> None:
        with urllib3.PoolManager(retries=False, timeout=60.0) as pool:
            gate.wait()
            for _ in range(100):
                statuses.append(pool.request("GET", url(site, REPORT)).status)
                if statuses[-1] == 200:
                    break

    threads = [threading.Thread(target=push_until_taken) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert statuses.count(200) == 16
    assert set(statuses) <= {200, 500, 503}
    assert len(heard.calls) == 2  # the one that failed, and the one that did not


def test_a_receiver_that_hides_a_database_error_does_not_lose_the_event(
    site: str, http: Http, listen: Listen, caplog: pytest.LogCaptureFixture
) -> None:
    calls: list[str] = []

    def hide(report: DeliveryReport, **_: Any) -> None:
        calls.append(report.key)
        Group.objects.create(name="kept")
        if len(calls) == 1:
            try:
                Group(name="kept").save()
            except IntegrityError:
                calls.append("hidden")

    listen(delivery_reported, hide)
    assert http("GET", url(site, REPORT)).status == 500
    assert "to be rolled back" in caplog.text
    assert (written(), HandledEvent.objects.count()) == ([], 0)
    assert http("GET", url(site, REPORT)).status == 200
    assert written() == ["kept"]
    assert calls[1:2] == ["hidden"]


def test_what_happens_on_commit_happens_once(site: str, http: Http, listen: Listen) -> None:
    done: list[int] = []
    heard = Heard(failures=1)
    listen(delivery_reported, lambda **_: transaction.on_commit(lambda: done.append(HandledEvent.objects.count())))
    listen(delivery_reported, heard)
    assert [http("GET", url(site, REPORT)).status for _ in range(3)] == [500, 200, 200]
    assert done == [1]


def test_requests_that_are_atomic_do_not_hold_events_together(
    site: str, http: Http, listen: Listen, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(connection.settings_dict, "ATOMIC_REQUESTS", True)
    inside: list[int] = []
    listen(delivery_reported, lambda **_: inside.append(len(connection.savepoint_ids)))
    assert http("GET", url(site, REPORT)).status == 200
    assert inside == [0]


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("GET", "/sms/default/another-secret-of-nobody", b"", 404),
        ("GET", f"/sms/nobody/{SECRET}", b"", 404),
        ("GET", "/sms/default", b"", 404),
        ("GET", f"{PATH}/more", b"", 404),
        ("GET", "/sms/x", b"", 404),
        ("PUT", PATH, b"", 405),
        ("OPTIONS", PATH, b"", 405),
        ("HEAD", PATH, b"", 405),
        ("POST", PATH, b"x" * (1024 * 1024 + 1), 413),
        ("POST", PATH, b"x" * (3 * 1024 * 1024), 413),
        ("GET", PATH, b"", 400),
        ("POST", PATH, b"%ff", 400),
    ],
)
def test_refusals_are_bare_and_nothing_secret_is_logged(
    site: str, http: Http, caplog: pytest.LogCaptureFixture, method: str, path: str, body: bytes, status: int
) -> None:
    caplog.set_level(logging.DEBUG)
    logging.getLogger("urllib3").setLevel(logging.WARNING)
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    answer = http(method, f"{site}{path}?RM=0900000001", body=body, headers=headers)
    assert (answer.status, answer.data) == (status, b"")
    assert b"html" not in answer.data
    records = [record for record in caplog.records if record.name == "sms_core.webhooks"]
    assert [record.levelname for record in records] == ["WARNING"]
    for hidden in (SECRET, "another-secret", "0900000001"):
        assert hidden not in caplog.text


def test_a_failure_is_logged_without_the_secret(
    site: str, http: Http, listen: Listen, caplog: pytest.LogCaptureFixture
) -> None:
    listen(delivery_reported, Heard(failures=1))
    caplog.set_level(logging.INFO)
    assert http("GET", url(site, REPORT)).status == 500
    assert "the receiver is out of order" in caplog.text
    assert SECRET not in caplog.text
    assert "900000001" not in caplog.text


@pytest.mark.parametrize(
    "changes",
    [
        {"SMS_WEBHOOK_SECRETS": ""},
        {"SMS_WEBHOOK_SECRETS": "short"},
        {"SMS": {"default": {"DSN": "memory://"}}},
        {"SMS": {"default": {"DSN": "no dsn"}}},
        {"SMS": {"a name": {"DSN": "every8d://user:pa55-of-nobody@"}}},
        {"SMS_WEBHOOK_STORE": "sms_core_django.no.Store"},
        {"SMS_WEBHOOK_STORE": "builtins.dict"},
    ],
)
def test_wrong_settings_are_a_500_that_shows_nothing(
    site: str, http: Http, configure: Configure, caplog: pytest.LogCaptureFixture, changes: dict[str, Any]
) -> None:
    configure(**changes)
    answer = http("GET", url(site, REPORT))
    assert (answer.status, answer.data) == (500, b"")
    assert "ImproperlyConfigured: SMS" in caplog.text
    assert SECRET not in caplog.text
    assert HandledEvent.objects.count() == 0


def test_several_secrets_open_the_address_while_they_change(site: str, http: Http, configure: Configure) -> None:
    configure(SMS_WEBHOOK_SECRETS=[SECRET, "the-next-secret-of-nobody"])
    assert http("GET", url(site, REPORT)).status == 200
    assert http("GET", url(site, REPORT, "/sms/default/the-next-secret-of-nobody")).status == 200


def test_insecure_takes_what_anybody_sends(site: str, http: Http, configure: Configure) -> None:
    configure(SMS_WEBHOOK_SECRETS="", SMS_WEBHOOK_INSECURE=True)
    assert http("GET", url(site, REPORT, "/sms/default")).status == 200


def test_networks_and_proxies_are_the_cores(site: str, http: Http, configure: Configure) -> None:
    configure(SMS_WEBHOOK_NETWORKS=["203.0.113.0/24"], SMS_WEBHOOK_TRUSTED_PROXIES=1)
    assert http("GET", url(site, REPORT)).status == 403
    assert http("GET", url(site, REPORT), headers={"X-Forwarded-For": "203.0.113.9"}).status == 200


def test_an_account_whose_vendor_pushes_nothing_is_no_obstacle(site: str, http: Http, configure: Configure) -> None:
    configure(SMS={"default": {"DSN": "every8d://user:pa55-of-nobody@"}, "tests": {"DSN": "memory://"}})
    assert http("GET", url(site, REPORT)).status == 200
    assert http("GET", url(site, REPORT, f"/sms/tests/{SECRET}")).status == 404


def test_djangos_limits_of_forms_are_not_the_webhooks(configure: Configure, listen: Listen) -> None:
    configure(DATA_UPLOAD_MAX_MEMORY_SIZE=10, DATA_UPLOAD_MAX_NUMBER_FIELDS=1)
    heard = Heard()
    listen(delivery_reported, heard)
    answer = Client().post(PATH, urlencode(REPORT), content_type="application/x-www-form-urlencoded")
    assert (answer.status_code, answer.content) == (200, b"OK")
    assert len(heard.calls) == 1


def test_a_body_without_a_length_is_refused_over_wsgi(site: str) -> None:
    with socket.create_connection(("127.0.0.1", int(site.rpartition(":")[2])), timeout=10) as wire:
        head = f"POST {PATH} HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
        wire.sendall(head.encode() + b"0\r\n\r\n")
        assert wire.recv(100).split()[1] == b"411"


def test_a_body_that_ends_early_is_refused(site: str) -> None:
    with socket.create_connection(("127.0.0.1", int(site.rpartition(":")[2])), timeout=10) as wire:
        wire.sendall(f"POST {PATH} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 100\r\n\r\nhalf".encode())
        wire.shutdown(socket.SHUT_WR)
        assert wire.recv(100).split()[1] == b"400"


def test_a_caller_that_is_gone_is_refused(caplog: pytest.LogCaptureFixture) -> None:
    class Gone(io.RawIOBase):
        def read(self, size: int = -1) -> bytes:
            raise OSError(f"the connection broke before {size} bytes")

    request = RequestFactory().generic("POST", PATH, **{"wsgi.input": Gone(), "CONTENT_LENGTH": "5"})
    assert receive(request, PATH.removeprefix("/sms/")).status_code == 400
    assert "the body ended early" in caplog.text


def test_raw_bytes_of_another_charset_reach_the_core(site: str) -> None:
    with socket.create_connection(("127.0.0.1", int(site.rpartition(":")[2])), timeout=10) as wire:
        wire.sendall(f"GET {PATH}?SM=".encode() + b"\xa7\xb1 HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
        assert wire.recv(100).split()[1] == b"400"


def test_over_asgi(http: Http, listen: Listen) -> None:
    heard = Heard(failures=1)
    listen(delivery_reported, heard)
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    server = uvicorn.Server(
        uvicorn.Config(get_asgi_application(), log_config=None, access_log=False, lifespan="off", loop="asyncio")
    )
    thread = threading.Thread(target=server.run, args=([listener],))
    thread.start()
    site = f"http://127.0.0.1:{port}"
    assert [http("GET", url(site, REPORT)).status for _ in range(3)] == [500, 200, 200]
    assert http("POST", f"{site}{PATH}", body=iter([b"x" * 65536] * 20)).status == 413
    server.should_exit = True
    thread.join()
    assert len(heard.calls) == 2
    assert written() == ["write 2"]


def test_a_key_of_any_length_is_remembered() -> None:
    store = DatabaseEvents()
    for expected in (True, False):
        with store.claim("k" * 1000) as is_new:
            assert is_new is expected
    with store.claim("k" * 1001) as is_new:
        assert is_new
    assert repr(store) == "<DatabaseEvents>"


def two_vendors(alias: str, dsn: str) -> Any:
    """A backend of a project with two vendors for one account."""
    del alias
    return failover("both", [connect(dsn), connect("mitake://user:pa55-of-nobody@")])


def test_each_of_several_vendors_has_an_address_of_its_own(
    site: str, http: Http, listen: Listen, configure: Configure
) -> None:
    configure(SMS={"default": {"DSN": "every8d://Test:pa55-of-nobody@", "BACKEND": f"{__name__}.two_vendors"}})
    heard = Heard()
    listen(delivery_reported, heard)
    assert http("GET", url(site, REPORT, PATH.replace("/default/", "/default.every8d/"))).status == 200
    assert [call["alias"] for call in heard.calls] == ["default"]
    assert http("GET", url(site, REPORT)).status == 404
