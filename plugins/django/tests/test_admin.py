"""The outbox in the admin, its health page, its words, and what a project's own tests do with it."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from babel.messages.mofile import read_mo
from babel.messages.pofile import read_po
from django.contrib.auth.models import Permission, User
from django.core.checks import Tags, run_checks
from django.core.exceptions import ImproperlyConfigured
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from django.test import Client
from django.test.utils import setup_test_environment, teardown_test_environment

import sms_core_django
import sms_core_django.contrib.outbox
from sms_core import ConfigurationError, DeliveryReport, DeliveryStatus
from sms_core_django import get_outbox, send_sms
from sms_core_django.contrib.outbox.models import Account, Fact, Put, Row, Worker
from sms_core_outbox import State, Ticket, UnknownKey

NUMBER = "+886912345678"
TEXT = "only for her"
APP = Path(sms_core_django.contrib.outbox.__file__).parent

pytestmark = pytest.mark.usefixtures("database")


@pytest.fixture(autouse=True)
def _outbox(configure: Any) -> Iterator[None]:
    configure(SMS={"default": {"DSN": "memory://"}, "OUTBOX": True})
    _empty()  # other tests write these tables with a hash key of their own
    yield
    _empty()


def _empty() -> None:
    for model in (Put, Fact, Account, Worker, User):
        model.objects.all().delete()


@pytest.fixture
def ticket() -> Ticket:
    return send_sms(TEXT, NUMBER, key="order-17")


def person(*permissions: str, **more: Any) -> Client:
    user = User.objects.create_user(f"ann{User.objects.count()}", is_staff=True, **more)
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    client = Client()
    client.force_login(user)
    return client


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


@pytest.mark.parametrize("term", ["0912345678", "order-17"])
def test_numbers_and_texts_are_for_those_who_may_see_them(ticket: Ticket, term: str) -> None:
    (row,) = ticket.rows
    few = person("view_row")
    pages = [few.get("/admin/sms_outbox/row/", {"q": term}), few.get(f"/admin/sms_outbox/row/{row.id}/change/")]
    for page in pages:
        assert page.status_code == 200
        said = page.content.decode()
        assert "order-17" in said
        assert NUMBER not in said
        assert TEXT not in said
    many = person("view_row", "view_number", "view_text")
    assert NUMBER in many.get("/admin/sms_outbox/row/", {"q": term}).content.decode()
    whole = many.get(f"/admin/sms_outbox/row/{row.id}/change/").content.decode()
    assert NUMBER in whole
    assert TEXT in whole
    assert person().get("/admin/sms_outbox/row/").status_code == 403


def test_history_and_reports_of_a_row(ticket: Ticket) -> None:
    get_outbox().drain()
    (row,) = get_outbox().get("order-17").rows
    report = DeliveryReport(NUMBER, DeliveryStatus.DELIVERED, row.batch_id or "", key="r", vendor_text=f"to {NUMBER}")
    get_outbox().record(report)
    page = person("view_row").get(f"/admin/sms_outbox/row/{row.id}/change/").content.decode()
    reports = page.split('id="reports"')[1]
    assert "delivered" in reports
    assert NUMBER not in page
    assert "accepted" in page
    filtered = person("view_row").get("/admin/sms_outbox/row/", {"lane": "0:", "status__exact": "delivered"})
    assert "order-17" in filtered.content.decode()


def test_a_person_decides_and_nothing_is_sent_again(ticket: Ticket) -> None:
    (row,) = ticket.rows
    Row.objects.filter(pk=row.id).update(state="unknown", claimed_at=1)
    chosen = {"action": "resolve", "_selected_action": [row.id]}
    assert person("view_row").post("/admin/sms_outbox/row/", chosen).status_code in (200, 302)
    ann = person("view_row", "decide_row")
    assert "because" in ann.post("/admin/sms_outbox/row/", chosen).content.decode()
    assert Row.objects.get().state == "unknown"
    decided = {**chosen, "confirmed": "1", "outcome": "not_sent", "because": "not on its page"}
    assert ann.post("/admin/sms_outbox/row/", decided).status_code == 302
    found = get_outbox().get("order-17").rows[0]
    assert found.state is State.NOT_SENT
    assert found.history[-1].why == "not on its page"
    ann.post("/admin/sms_outbox/row/", {"action": "settle", "_selected_action": [row.id]})
    assert get_outbox().drain().claimed == 0


def test_cancelling_pausing_and_resuming(ticket: Ticket) -> None:
    ann = person("view_row", "decide_row", "view_account", "pause_account")
    chosen = {"action": "cancel", "_selected_action": [ticket.rows[0].id]}
    assert "order-17" in ann.post("/admin/sms_outbox/row/", chosen).content.decode()
    ann.post("/admin/sms_outbox/row/", {**chosen, "confirmed": "1"})
    assert get_outbox().get("order-17").rows[0].state is State.CANCELLED
    assert "default" in ann.get("/admin/sms_outbox/account/").content.decode()
    pause = {"action": "pause", "_selected_action": ["default"]}
    ann.post("/admin/sms_outbox/account/", {**pause, "confirmed": "1", "because": "it moves"})
    assert get_outbox().stats().paused == {"default": "it moves"}
    ann.post("/admin/sms_outbox/account/", {**pause, "action": "resume"})
    assert get_outbox().stats().paused == {}


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
    assert ran("forget", "--days", "0")["say"].endswith("rows blanked")
    with pytest.raises(CommandError):
        call_command("sms_outbox", "forget", "--days", "yesterday")


def spoken() -> set[tuple[str | None, str]]:
    """Every message of the app's sources and templates, with its context."""
    found: set[tuple[str | None, str]] = set()
    for path in [file for file in APP.rglob("*.py") if "migrations" not in file.parts]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name):
                continue
            words = [argument.value for argument in node.args if isinstance(argument, ast.Constant)]
            if node.func.id in ("_", "gettext") and words:
                found.add((None, words[0]))
            elif node.func.id == "pgettext_lazy":
                found.add((words[0], words[1]))
    for path in APP.rglob("*.html"):
        words = re.findall(r'{% translate "([^"]+)" %}', path.read_text(encoding="utf-8"))
        found.update((None, word) for word in words)
    return found


def test_no_message_lacks_its_translation() -> None:
    folder = APP / "locale" / "zh_Hant" / "LC_MESSAGES"
    with (folder / "django.po").open("rb") as file:
        source = read_po(file)
    with (folder / "django.mo").open("rb") as file:
        made = read_mo(file)
    written = {(message.context, message.id): message.string for message in source if message.id}
    assert {(message.context, message.id): message.string for message in made if message.id} == written
    assert set(written) == spoken()
    assert all(written.values())
