"""The outbox in the admin, and its words in another language."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import Any

import pytest
from babel.messages.mofile import read_mo
from babel.messages.pofile import read_po
from django.contrib.auth.models import Permission, User
from django.test import Client

import sms_core_django.contrib.outbox
from sms_core import DeliveryReport, DeliveryStatus, connect
from sms_core_django import get_outbox, send_sms
from sms_core_django.contrib.outbox.models import Row
from sms_core_outbox import State, Ticket
from sms_core_policy import failover

NUMBER = "+886912345678"
TEXT = "only for her"
APP = Path(sms_core_django.contrib.outbox.__file__).parent

pytestmark = pytest.mark.usefixtures("outbox_on")


def person(*permissions: str, **more: Any) -> Client:
    user = User.objects.create_user(f"ann{User.objects.count()}", is_staff=True, **more)
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    client = Client()
    client.force_login(user)
    return client


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


def several(alias: str, dsn: str) -> Any:
    """A backend of a project with two vendors for one account."""
    return failover(alias, [connect("memory://django-first"), connect("memory://django-second")])


def test_an_account_of_several_vendors(outbox_on: None, configure: Any) -> None:
    configure(SMS={"default": {"BACKEND": f"{__name__}.several"}, "OUTBOX": True})
    ann = person("view_row", "decide_row", "view_account", "pause_account")
    accounts, rows = "/admin/sms_outbox/account/", "/admin/sms_outbox/row/"
    for key in ("order-17", "order-18"):
        send_sms(TEXT, NUMBER, key=key)
    first = {"_selected_action": ["default/memory"], "confirmed": "1", "because": "it moves"}
    assert "default/memory-2" in ann.get(accounts).content.decode()
    ann.post(accounts, {**first, "action": "pause"})
    assert get_outbox().stats().paused == {"default/memory": "it moves"}
    assert ann.get(accounts).status_code == 200  # a rest without an end is shown too

    (waiting,) = get_outbox().get("order-18").rows
    ann.post(rows, {"action": "cancel", "_selected_action": [waiting.id], "confirmed": "1"})
    assert get_outbox().get("order-18").rows[0].state is State.CANCELLED
    assert get_outbox().drain().accepted == 1
    (row,) = get_outbox().get("order-17").rows
    assert row.vendor == "memory-2"
    report = DeliveryReport(NUMBER, DeliveryStatus.DELIVERED, row.batch_id or "", key="r")
    get_outbox().record(report, account="default/memory-2")
    page = ann.get(f"{rows}{row.id}/change/").content.decode()
    assert "default/memory → default/memory-2" in page
    assert "delivered" in page.split('id="reports"')[1]

    ann.post(accounts, {**first, "action": "resume"})
    assert get_outbox().stats().paused == {}


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
