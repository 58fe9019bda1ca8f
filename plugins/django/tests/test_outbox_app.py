"""The app of the outbox: what its settings, its command, its health page and a project's own tests do with it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
import urllib3
from django.conf import settings
from django.core.checks import Tags, run_checks
from django.core.exceptions import ImproperlyConfigured
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from django.test import Client
from django.test.utils import setup_test_environment, teardown_test_environment

import sms_core_django
from sms_core import ConfigurationError, DeliveryStatus, connect
from sms_core.testing import memory_exchange
from sms_core_django import delivery_reported, get_outbox, send_sms
from sms_core_django.contrib.outbox.models import Report, Row
from sms_core_django.testing import EXCHANGE
from sms_core_outbox import Alarm, State, Ticket, UnknownKey
from sms_core_policy import failover

NUMBER = "+886912345678"
TEXT = "only for her"
BATCH = "c496f706-9b0f-4ff8-9644-9503edbb7064"
REPORT = urlencode({"BatchID": BATCH, "RM": NUMBER, "RT": "20211216160906", "STATUS": "100", "SM": "", "MR": "1"})
WOKEN: list[str] = []
ALARMS: list[Alarm] = []

pytestmark = pytest.mark.usefixtures("outbox_on")


def note_wake(alias: str) -> None:
    WOKEN.append(alias)
    if alias == "default" and len(WOKEN) > 1:
        raise LookupError("the broker is out of reach")


def test_a_text_with_a_key_waits_for_the_commit() -> None:
    with transaction.atomic():
        assert send_sms(TEXT, NUMBER, key="rolled-back").is_new
        transaction.set_rollback(True)
    with pytest.raises(UnknownKey):
        get_outbox().get("rolled-back")
    assert sms_core_django.outbox == []
    with transaction.atomic():
        send_sms(TEXT, NUMBER, key="k", purpose="otp")
        with pytest.raises(ConfigurationError, match="atomic"):
            get_outbox().drain()
    assert get_outbox().drain().accepted == 1
    assert [(sent.number, sent.text) for sent in sms_core_django.outbox] == [(NUMBER, TEXT)]


def test_a_test_case_sends_in_its_transaction() -> None:
    with transaction.atomic():
        send_sms(TEXT, NUMBER, key="k")
        assert get_outbox().drain(connection=connection).accepted == 1
        assert get_outbox().get("k").rows[0].state is State.ACCEPTED
        assert [sent.text for sent in sms_core_django.outbox] == [TEXT]
        transaction.set_rollback(True)
    assert Row.objects.count() == 0


def test_a_key_needs_an_outbox(configure: Any) -> None:
    configure(SMS={"default": {"DSN": "memory://"}})
    with pytest.raises(ImproperlyConfigured, match="'OUTBOX': True"):
        send_sms(TEXT, NUMBER, key="k")


def test_wake_is_called_after_each_commit_and_its_failure_is_nobodys(
    configure: Any, caplog: pytest.LogCaptureFixture
) -> None:
    configure(SMS={"default": {"DSN": "memory://"}, "OUTBOX": {"WAKE": f"{__name__}.note_wake"}})
    WOKEN.clear()
    with transaction.atomic():
        send_sms(TEXT, NUMBER, key="rolled back")
        transaction.set_rollback(True)
    with transaction.atomic():
        send_sms(TEXT, NUMBER, key="a")
        assert WOKEN == []
    assert WOKEN == ["default"]
    assert send_sms(TEXT, NUMBER, key="b").is_new  # outside of a transaction, and where waking fails
    assert WOKEN == ["default", "default"]
    assert "the broker is out of reach" in caplog.text
    assert get_outbox().drain().accepted == 2


def test_on_alarm_hears_what_a_person_should(configure: Any) -> None:
    configure(SMS={"poor": {"DSN": "memory://"}, "OUTBOX": {"ON_ALARM": f"{__name__}.ALARMS.append"}})
    ALARMS.clear()
    memory_exchange(EXCHANGE).add_account("poor", "", credit=0)
    send_sms(TEXT, NUMBER, key="k", using="poor")
    get_outbox().drain()
    assert [(alarm.kind, alarm.account) for alarm in ALARMS] == [("paused", "poor")]
    assert get_outbox().get("k").rows[0].state is State.READY


def test_texts_of_an_account_that_is_gone_wait(configure: Any) -> None:
    configure(SMS={"default": {"DSN": "memory://"}, "old": {"DSN": "memory://"}, "OUTBOX": True})
    send_sms(TEXT, NUMBER, key="k", using="old")
    configure(SMS={"default": {"DSN": "memory://"}, "OUTBOX": True})
    send_sms(TEXT, NUMBER, key="k")
    assert get_outbox().drain().accepted == 1
    assert get_outbox().settle().asked == 0
    assert Row.objects.get(account="old").state == "ready"


@pytest.mark.parametrize("name", ["WAKE", "ON_ALARM"])
def test_a_function_that_is_not_there_is_told_at_once(configure: Any, name: str) -> None:
    configure(SMS={"default": {"DSN": "memory://"}, "OUTBOX": {name: "nowhere.to_be_found"}})
    assert ["nowhere" in said.msg for said in run_checks() if said.id == "sms.E004"] == [True]


def test_a_push_is_recorded_by_itself_with_what_its_receivers_write(
    ticket: Ticket, site: str, http: Callable[..., urllib3.BaseHTTPResponse], listen: Callable[..., None]
) -> None:
    get_outbox().drain()
    Row.objects.update(batch_id=BATCH)
    failures = [RuntimeError("after it was recorded")]

    def hear(**_: Any) -> None:
        if failures:
            raise failures.pop()

    listen(delivery_reported, hear)
    for status, known in ((500, None), (200, DeliveryStatus.DELIVERED), (200, DeliveryStatus.DELIVERED)):
        answer = http("GET", f"{site}/sms/default/{settings.SMS_WEBHOOK_SECRETS}?{REPORT}")
        assert answer.status == status
        assert get_outbox().get(ticket.key).rows[0].status is known
    assert Report.objects.get().batch_id == BATCH


PROJECT = """
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": "never-made.sqlite3"}}
INSTALLED_APPS = ["sms_core_django", "sms_core_django.contrib.outbox"]
SECRET_KEY = "of-nobody"
SMS = {"default": {"DSN": "every8d://user:of-nobody@"}, "OUTBOX": True}
USE_TZ = True
"""
ORDERS = """
from django.db import connection
from django.test import TestCase, TransactionTestCase

import sms_core_django
from sms_core import ConfigurationError
from sms_core_django import get_outbox, send_sms
from sms_core_django.contrib.outbox.models import Row
from sms_core_outbox import State


class OrderTests(TestCase):
    def shipped(self):
        self.assertEqual((Row.objects.count(), sms_core_django.outbox), (0, []))  # nothing is left of the other test
        with self.captureOnCommitCallbacks(execute=True):
            self.assertTrue(send_sms("hi", "0912345678", key="order-17").is_new)
        with self.assertRaisesRegex(ConfigurationError, "drain\\(connection=connection\\)"):
            get_outbox().drain()
        self.assertEqual(get_outbox().drain(connection=connection).accepted, 1)
        self.assertEqual([sent.number for sent in sms_core_django.outbox], ["+886912345678"])
        self.assertIs(get_outbox().get("order-17").rows[0].state, State.ACCEPTED)

    test_once = test_twice = shipped


class OutsideTests(TransactionTestCase):
    def test_memory(self):
        send_sms("hi", "0912345678", key="order-17")
        with self.assertRaisesRegex(ConfigurationError, "in memory"):
            get_outbox().drain()
        self.assertIs(get_outbox().get("order-17").rows[0].state, State.READY)
"""


def test_a_projects_own_tests_run_in_memory_and_roll_back(tmp_path: Path) -> None:
    (tmp_path / "project.py").write_text(PROJECT, encoding="utf-8")
    (tmp_path / "test_orders.py").write_text(ORDERS, encoding="utf-8")
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "project", "PYTHONPATH": str(tmp_path)}
    command = [sys.executable, "-m", "django", "test"]
    ran = subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120, check=False
    )
    assert ran.returncode == 0, ran.stderr
    assert "Ran 3 tests" in ran.stderr
    assert [path.name for path in tmp_path.glob("*.sqlite3*")] == []


def test_health_and_checks_tell_of_what_stands_wrong(ticket: Ticket) -> None:
    get_outbox().pause(because=f"no points for {NUMBER}")
    answer = Client().get("/health/sms")
    assert (answer.status_code, answer.json()) == (503, {"alarms": ["no_worker", "paused"]})
    teardown_test_environment()
    try:
        found = [str(said.id) for said in run_checks(tags=[Tags.database], databases=["default"])]
        assert {"sms.W008", "sms.W010"} <= set(found)
        assert not {str(said.id) for said in run_checks()} & {"sms.W008", "sms.W010"}
    finally:
        setup_test_environment(debug=False)
    get_outbox().resume()
    Row.objects.update(state="ready")
    get_outbox().drain()
    answer = Client().get("/health/sms")
    assert (answer.status_code, answer.json()) == (200, {"alarms": []})


def ran(*words: str) -> Any:
    out = StringIO()
    call_command("sms_outbox", *words, "--json", stdout=out)
    return json.loads(out.getvalue())


def test_the_command(ticket: Ticket) -> None:
    assert ran("status")["counts"] == {"ready": 1}
    assert ran("run", "--once")["accepted"] == 1
    Row.objects.update(state="unknown", claimed_at=1)
    assert [row["key"] for row in ran("unknown")] == ["order-17"]
    assert ran("settle")["asked"] == 1
    assert ran("forget", "--days", "0")["say"] == "1 row blanked"
    with pytest.raises(CommandError):
        call_command("sms_outbox", "forget", "--days", "yesterday")


def several(alias: str, dsn: str) -> Any:
    """A backend of a project with two vendors for one account, the first of which nobody answers for."""
    nobody = connect("every8d://u:p@127.0.0.1:1?scheme=http")
    return failover(alias, [nobody, connect("memory://django-second")], rest=timedelta(hours=1))


def test_the_status_names_a_vendor_that_rests(configure: Any) -> None:
    configure(SMS={"default": {"BACKEND": f"{__name__}.several"}, "OUTBOX": True})
    send_sms(TEXT, NUMBER, key="order-17")
    ran("run", "--once")
    assert ran("status")["resting"].keys() == {"default/every8d"}
    out = StringIO()
    call_command("sms_outbox", "status", stdout=out)
    assert "Nothing goes to default/every8d before " in out.getvalue()
