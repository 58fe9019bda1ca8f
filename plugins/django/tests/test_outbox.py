"""An outbox in Django's own database: what is put and reported inside ``atomic()`` is there with its commit."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
import sqlalchemy
import urllib3
from django.conf import settings
from django.contrib.auth.models import Group
from django.db import connection, connections, transaction
from django.db.utils import ConnectionHandler

from sms_core import ConfigurationError, DeliveryStatus, Message
from sms_core_django import delivery_reported
from sms_core_django.contrib.outbox.models import Fact, Put
from sms_core_outbox import KeyConflict, Outbox, State, UnknownKey
from tests.support.postgresql import postgresql_server

A = "+886900000001"
BATCH = "c496f706-9b0f-4ff8-9644-9503edbb7064"
REPORT = {
    "BatchID": BATCH,
    "RM": A,
    "RT": "20211216160906",
    "STATUS": "100",
    "SM": "",
    "ST": "20211216160900",
    "MR": "",
    "SUBJECT": "",
    "NAME": "",
    "SOURCE": "API",
    "CHARGE": "1.00",
    "TYPE": "SMS",
    "MSGID": "",
}

pytestmark = pytest.mark.usefixtures("database")


@pytest.fixture
def outbox() -> Iterator[Outbox]:
    with ExitStack() as closing:
        outbox = closing.enter_context(
            Outbox(f"sqlite:///{settings.DATABASES['default']['NAME']}", accounts={"default": "memory://"})
        )
        Put.objects.all().delete()
        Fact.objects.all().delete()
        yield outbox


def test_a_text_is_there_with_the_order_that_caused_it(outbox: Outbox) -> None:
    with transaction.atomic():
        Group.objects.create(name="an order")
        outbox.put(Message("hi", A), key="k", connection=connection)
        assert outbox.get("k", connection=connection).rows[0].state is State.READY
    assert outbox.drain().accepted == 1
    assert Group.objects.count() == 1


def test_a_text_goes_with_the_order_that_is_rolled_back(outbox: Outbox) -> None:
    with transaction.atomic():
        Group.objects.create(name="an order")
        outbox.put(Message("hi", A), key="k", connection=connection)
        transaction.set_rollback(True)
    assert Group.objects.count() == 0
    with pytest.raises(UnknownKey):
        outbox.get("k")


def test_what_is_refused_leaves_the_transaction_usable(outbox: Outbox) -> None:
    outbox.put(Message("hi", A), key="k")
    with transaction.atomic():
        with pytest.raises(KeyConflict):
            outbox.put(Message("another", A), key="k", connection=connection)
        Group.objects.create(name="an order")
    assert Group.objects.filter(name__regex="^an ord").count() == 1


def test_outside_of_a_transaction_it_says_so(outbox: Outbox) -> None:
    with pytest.raises(ConfigurationError, match="atomic"):
        outbox.put(Message("hi", A), key="k", connection=connection)


def test_a_report_is_stored_in_the_transaction_of_its_signal(
    outbox: Outbox,
    site: str,
    http: Callable[..., urllib3.BaseHTTPResponse],
    listen: Callable[..., None],
) -> None:
    outbox.put(Message("hi", A), key="k")
    outbox.drain()
    with connection.cursor() as cursor:
        cursor.execute("UPDATE sms_outbox_row SET batch_id = %s", [BATCH])
    record = outbox.recorder("default", connection=connection)
    failures = [RuntimeError("after it was recorded")]

    def hear(report: Any, **_: Any) -> None:
        record(report)
        if failures:
            raise failures.pop()

    listen(delivery_reported, hear)
    assert http("GET", f"{site}/sms/default/{settings.SMS_WEBHOOK_SECRETS}", fields=REPORT).status == 500
    assert outbox.get("k").rows[0].status is None
    assert http("GET", f"{site}/sms/default/{settings.SMS_WEBHOOK_SECRETS}", fields=REPORT).status == 200
    assert outbox.get("k").rows[0].status is DeliveryStatus.DELIVERED


def test_it_is_the_same_on_postgresql() -> None:
    with postgresql_server() as url, ExitStack() as closing:
        folder = sqlalchemy.make_url(url).query["host"]
        entry = {"ENGINE": "django.db.backends.postgresql", "NAME": "postgres", "USER": "sms", "HOST": folder}
        connections["pg"] = ConnectionHandler({"default": entry})["default"]
        closing.callback(connections.__delitem__, "pg")
        closing.callback(connections["pg"].close)
        outbox = closing.enter_context(
            Outbox(url, accounts={"default": "memory://"}, hash_key="a key of the tests alone")
        )
        outbox.create()
        with transaction.atomic(using="pg"):
            outbox.put(Message("hi", A), key="rolled back", connection=connections["pg"])
            transaction.set_rollback(True, using="pg")
        with transaction.atomic(using="pg"):
            outbox.put(Message("hi", A), key="k", connection=connections["pg"])
            with pytest.raises(KeyConflict):
                outbox.put(Message("another", A), key="k", connection=connections["pg"])
            outbox.put(Message("hi", A), key="k2", connection=connections["pg"])
        assert outbox.drain().accepted == 2
        with pytest.raises(UnknownKey):
            outbox.get("rolled back")


def test_draining_beside_an_open_write_of_djangos_raises_at_once(outbox: Outbox) -> None:
    outbox.put(Message("hi", A), key="waits")
    with transaction.atomic():
        Group.objects.create(name="an order")
        for wait_in_vain in (outbox.drain, outbox.settle):
            with pytest.raises(ConfigurationError, match="commit it first"):
                wait_in_vain()
    with transaction.atomic():
        assert Group.objects.count() == 1  # it reads alone
        assert outbox.drain().accepted == 1
