"""`send_sms` and `get_client`: accounts by alias, backends, settings that change."""

from __future__ import annotations

import inspect
import subprocess
import sys
import threading
import unittest
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, get_overloads

import pytest
from django.core import mail
from django.core.exceptions import ImproperlyConfigured
from django.test import SimpleTestCase

import sms_core_django
from sms_core import (
    Client,
    DeliveryStatus,
    InvalidMessage,
    Media,
    Message,
    OutcomeUnknown,
    PartiallySent,
    Recipient,
    Unsupported,
    connect,
)
from sms_core_django import get_client, send_sms
from sms_core_sandbox import Sandbox

VENDOR = "sms_core_django.backends.vendor"
CONSOLE = "sms_core_django.backends.console"
LOCMEM = "sms_core_django.backends.locmem"
PASSWORD = "pa55-of-nobody"
EVERY8D = f"every8d://Test:{PASSWORD}@"
Configure = Callable[..., None]
CLOSED: list[str] = []


def marked(alias: str, dsn: str) -> Any:
    client = connect(dsn)
    client.mark = alias  # type: ignore[attr-defined]
    client.close = lambda: CLOSED.append(alias)  # type: ignore[method-assign]
    return client


def texts() -> list[tuple[str, str]]:
    return [(sent.number, sent.text) for sent in sms_core_django.outbox]


def test_send_sms_reaches_the_vendor(configure: Configure) -> None:
    with Sandbox(faces=["every8d"]) as box:
        configure(SMS={"default": {"DSN": box.dsn("every8d")}}, SMS_BACKEND=VENDOR)
        result = send_sms("您的驗證碼是 123456", "0900000001", reference="order-17")
        (accepted,) = box.exchange.accepted
        assert (accepted.number, accepted.text) == ("+886900000001", "您的驗證碼是 123456")
        assert (result.accepted, result.batch_id) == (1, accepted.batch_id)


def test_send_sms_raises_what_the_client_raises(configure: Configure) -> None:
    with Sandbox(faces=["every8d"]) as box:
        configure(SMS={"default": {"DSN": box.dsn("every8d")}}, SMS_BACKEND=VENDOR)
        box.faults.add("drop_after", match="SendSMS")
        with pytest.raises(OutcomeUnknown) as caught:
            send_sms("您好", "0900000001")
        assert get_client().settle(caught.value).outcomes[0].number == "+886900000001"


def test_each_alias_is_an_account_of_its_own(configure: Configure) -> None:
    configure(SMS={"default": {"DSN": EVERY8D}, "alerts": {"DSN": f"smsgo://user:{PASSWORD}@"}})
    assert (get_client().info.name, get_client("alerts").info.name) == ("every8d", "smsgo")
    send_sms("您好", "0900000001", using="alerts")
    assert [sent.alias for sent in sms_core_django.outbox] == ["alerts"]


def test_threads_share_one_client_for_each_alias(configure: Configure) -> None:
    configure(SMS={"default": {"DSN": EVERY8D}})
    found: list[object] = []
    threads = [threading.Thread(target=lambda: found.append(get_client())) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 16
    assert len({id(client) for client in found}) == 1


def test_changed_settings_make_new_clients_and_close_the_old_ones(configure: Configure) -> None:
    CLOSED.clear()
    configure(SMS={name: {"DSN": EVERY8D, "BACKEND": f"{__name__}.marked"} for name in ("default", "alerts")})
    old = get_client()
    get_client("alerts")
    configure(USE_TZ=False)
    assert get_client() is old
    configure(SMS={"default": {"DSN": EVERY8D}})
    assert get_client() is not old
    assert sorted(CLOSED) == ["alerts", "default"]


FORKS = f"""
import os
from django.conf import settings
from sms_core_django import get_client
settings.configure(SMS={{"default": {{"DSN": {EVERY8D!r}}}}})
parents = get_client()
child = os.fork()
if child == 0:
    os._exit(7 if get_client() is not parents else 1)
assert get_client() is parents
raise SystemExit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


def test_a_forked_child_makes_clients_of_its_own() -> None:
    assert subprocess.run([sys.executable, "-c", FORKS], check=False).returncode == 7


def test_a_backend_of_the_project_is_a_function(configure: Configure) -> None:
    configure(SMS={"default": {"DSN": EVERY8D, "BACKEND": f"{__name__}.marked"}}, SMS_BACKEND=CONSOLE)
    assert get_client().mark == "default"  # type: ignore[attr-defined]


def test_in_tests_nothing_is_sent_unless_the_settings_say_so(configure: Configure) -> None:
    configure(SMS={"default": {"DSN": EVERY8D}})
    send_sms("您好", "0900000001")
    assert texts() == [("+886900000001", "您好")]


def test_locmem_keeps_each_text_as_one_phone_gets_it() -> None:
    people = [
        Recipient("0900000001", params={"name": "小明"}, reference="a"),
        Recipient("0900000002", params={"name": "美玲"}, reference="b"),
    ]
    message = Message("{name}您好", people, subject="歡迎")
    result = send_sms(message)
    assert texts() == [("+886900000001", "小明您好"), ("+886900000002", "美玲您好")]
    first = sms_core_django.outbox[0]
    assert (first.alias, first.reference, first.batch_id) == ("default", "a", result.batch_id)
    assert first.message.subject == "歡迎"
    assert "0900000001" not in repr(first)
    assert "小明" not in repr(first)


def test_locmem_refuses_what_the_vendor_would_refuse(configure: Configure) -> None:
    configure(SMS={"default": {"DSN": EVERY8D}, "smsgo": {"DSN": f"smsgo://user:{PASSWORD}@"}})
    with pytest.raises(InvalidMessage, match="number"):
        send_sms("您好", "not a number")
    with pytest.raises(InvalidMessage, match="past"):
        send_sms("您好", "0900000001", send_at=datetime.now(UTC) - timedelta(hours=1))
    with pytest.raises(Unsupported):
        send_sms("您好", "0900000001", using="smsgo", validity=timedelta(hours=1))
    assert sms_core_django.outbox == []


def test_locmem_answers_like_a_vendor_by_the_numbers_ending() -> None:
    with pytest.raises(PartiallySent):
        send_sms("您好", ["0900000001", "0900000909"])
    assert texts() == [("+886900000001", "您好")]
    (report,) = get_client().reports(sms_core_django.outbox[0].batch_id)
    assert report.status is DeliveryStatus.DELIVERED
    assert get_client().balance().credit > 0
    get_client().check()


def test_locmem_needs_no_dsn(configure: Configure) -> None:
    configure(SMS={"default": {}})
    send_sms("您好", "0900000001")
    assert len(sms_core_django.outbox) == 1


def test_locmem_ends_a_session_that_never_was(configure: Configure) -> None:
    configure(SMS={"default": {"DSN": f"{EVERY8D}?close_session=true"}})
    send_sms("您好", "0900000001")
    configure(SMS={"default": {"DSN": EVERY8D}})
    assert len(sms_core_django.outbox) == 1


def test_console_prints_what_would_be_sent(configure: Configure, capsys: pytest.CaptureFixture[str]) -> None:
    configure(SMS_BACKEND=CONSOLE)
    send_sms("您好\n再見", "0900000001", subject="主旨", reference="order-17", send_at=datetime(2099, 1, 2, tzinfo=UTC))
    out = capsys.readouterr().out
    assert out.splitlines() == [
        "Using: default",
        "To: +886900000001",
        "Reference: order-17",
        "Subject: 主旨",
        "Send-At: 2099-01-02T00:00:00+00:00",
        "",
        "您好",
        "再見",
        "-" * 79,
    ]
    assert sms_core_django.outbox == []


def test_console_tells_of_a_picture_without_its_bytes(configure: Configure, capsys: pytest.CaptureFixture[str]) -> None:
    configure(SMS_BACKEND=CONSOLE)
    send_sms("您好", "0900000001", subject="主旨", media=Media(b"\xff\xd8\xff0123456789", "jpg"))
    assert "Picture: 13 bytes of jpg" in capsys.readouterr().out


def test_the_outbox_is_empty_in_the_next_test() -> None:
    assert sms_core_django.outbox == []


def test_the_fixture_is_the_outbox(sms_outbox: list[Any]) -> None:
    send_sms("您好", "0900000001")
    assert sms_outbox is sms_core_django.outbox
    assert len(sms_outbox) == 1


def test_djangos_own_test_cases_begin_with_an_empty_outbox() -> None:
    """Without pytest's fixtures: `SimpleTestCase` gives each test another ``mail.outbox``."""

    class Case(SimpleTestCase):
        def test_one(self) -> None:
            send_sms("您好", "0900000001")
            assert len(sms_core_django.outbox) == 1

        def test_two(self) -> None:
            assert sms_core_django.outbox == []
            send_sms("您好", "0900000001")
            mail.send_mail("subject", "body", "a@example.org", ["b@example.org"])
            assert (len(sms_core_django.outbox), len(mail.outbox)) == (1, 1)

    for name in ("test_one", "test_two", "test_one"):
        outcome = unittest.TestResult()
        Case(name)(outcome)
        assert (outcome.testsRun, outcome.failures, outcome.errors) == (1, [], [])


def test_another_name_is_no_attribute() -> None:
    with pytest.raises(AttributeError, match="inbox"):
        _ = sms_core_django.inbox  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("sms", "words"),
    [
        (None, "SMS is a dictionary"),
        ([EVERY8D], "SMS is a dictionary"),
        ({}, "SMS has no 'default'"),
        ({"other": {"DSN": EVERY8D}}, "there is 'other'"),
        ({1: {"DSN": EVERY8D}}, "a name in SMS"),
        ({"default": EVERY8D}, r"SMS\['default'\] is a dictionary"),
        ({"default": {"dsn": EVERY8D}}, "did you mean 'DSN'"),
        ({"default": {"SECRET": EVERY8D}}, "there are DSN, BACKEND"),
        ({"default": {"DSN": None}}, r"SMS\['default'\]\['DSN'\] is a DSN"),
        ({"default": {"DSN": "pa55-of-nobody"}}, r"SMS\['default'\]\['DSN'\]: a DSN starts with"),
        ({"default": {"DSN": "evry8d://user:pa55-of-nobody@"}}, "did you mean 'every8d'"),
        ({"default": {"DSN": "", "BACKEND": VENDOR}}, "is missing"),
        ({"default": {"DSN": EVERY8D, "BACKEND": "sms_core_django.backends.email"}}, "email"),
        ({"default": {"DSN": EVERY8D, "BACKEND": "sms_core_django.conf.NAMES"}}, "no function"),
        ({"default": {"DSN": EVERY8D, "BACKEND": 1}}, "SMS_BACKEND is a dotted path"),
        ({"default": {"DSN": "every8d://user:pa55-of-nobody@example.org?scheme=http"}}, "plain HTTP"),
    ],
)
def test_a_mistake_names_the_setting_and_shows_no_secret(configure: Configure, sms: Any, words: str) -> None:
    configure(SMS=sms)
    with pytest.raises(ImproperlyConfigured, match=words) as caught:
        send_sms("您好", "0900000001")
    assert PASSWORD not in str(caught.value)


def test_every_argument_of_send_is_there() -> None:
    ours = dict(inspect.signature(get_overloads(send_sms)[0]).parameters)
    del ours["using"]
    theirs = dict(inspect.signature(Client.send).parameters)
    del theirs["self"]
    assert ours == theirs
