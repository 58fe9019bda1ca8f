"""The outbox in Django's admin, as a person uses it, in both languages."""

from __future__ import annotations

import os
import socket
import sqlite3
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.error import HTTPError

import pytest

from tests.support.children import child

NUMBER = "+886912345678"
PATIENCE = 60.0
SETTINGS = """
ALLOWED_HOSTS = ["127.0.0.1"]
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": "db.sqlite3"}}
DEBUG = True
INSTALLED_APPS = [
    *("django.contrib.admin", "django.contrib.auth", "django.contrib.contenttypes"),
    *("django.contrib.messages", "django.contrib.sessions", "django.contrib.staticfiles"),
    *("sms_core_django", "sms_core_django.contrib.outbox"),
]
MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
]
ROOT_URLCONF = "project_urls"
SECRET_KEY = "of-nobody"
SMS = {"default": {"DSN": "memory://"}, "OUTBOX": True}
STATIC_URL = "static/"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]
USE_TZ = True

"""
URLS = """
from django.contrib import admin
from django.urls import path

from sms_core_django.contrib.outbox.views import health

urlpatterns = [path("admin/", admin.site.urls), path("health/sms", health)]
"""
PUT = """
import django
django.setup()
from sms_core_django import send_sms
send_sms("您的訂單已出貨", "0912345678", key="order-17")
send_sms("您的訂單已出貨", "0900000001", key="order-18")
"""


@pytest.fixture
def site(tmp_path: Path) -> Iterator[str]:
    """A project of its own, with a person and two texts; its address."""
    (tmp_path / "project.py").write_text(SETTINGS, encoding="utf-8")
    (tmp_path / "project_urls.py").write_text(URLS, encoding="utf-8")
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "project",
        "DJANGO_SUPERUSER_PASSWORD": "of-nobody",
        "PYTHONPATH": str(tmp_path),
    }
    manage = [sys.executable, "-m", "django"]
    person = ["createsuperuser", "--noinput", "--username", "ann", "--email", "ann@example.org"]
    for command in ([*manage, "migrate", "-v0"], [*manage, *person], [sys.executable, "-c", PUT]):
        subprocess.run(command, cwd=tmp_path, env=environment, check=True, capture_output=True, timeout=PATIENCE)
    with closing(sqlite3.connect(tmp_path / "db.sqlite3")) as database:
        database.execute("UPDATE sms_outbox_row SET state = 'unknown', claimed_at = 1 WHERE number = ?", (NUMBER,))
        database.commit()
    with closing(socket.socket()) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with child([*manage, "runserver", "--noreload", str(port)], cwd=tmp_path, env=environment):
        wait_for(f"http://127.0.0.1:{port}/health/sms")
        yield f"http://127.0.0.1:{port}"


def wait_for(url: str) -> None:
    end = time.monotonic() + PATIENCE
    while True:
        try:
            urllib.request.urlopen(url, timeout=5).close()
        except HTTPError as answer:  # it says that no worker runs
            answer.close()
            return
        except OSError:
            assert time.monotonic() < end
            time.sleep(0.05)
        else:
            return


def open_admin(browser: Any, site: str, locale: str) -> Any:
    page = browser.new_context(locale=locale).new_page()
    page.set_default_timeout(15_000)
    page.goto(f"{site}/admin/sms_outbox/row/")
    page.fill("[name=username]", "ann")
    page.fill("[name=password]", "of-nobody")
    page.click("[type=submit]")
    return page


def choose(page: Any, action: str, row: str) -> None:
    page.locator("tr", has_text=row).locator("input.action-select").check()
    page.select_option("select[name=action]", action)
    page.locator("button[name=index]").click()


def test_a_person_finds_decides_and_cancels(browser: Any, site: str) -> None:
    page = open_admin(browser, site, "en")
    page.fill("#searchbar", "0912345678")
    page.press("#searchbar", "Enter")
    page.locator("td.field-key", has_text="order-17").wait_for()
    assert page.locator("#result_list tbody tr").count() == 1
    choose(page, "resolve", "order-17")
    page.select_option("[name=outcome]", "not_sent")
    page.fill("[name=because]", "not on the vendor's page")
    page.get_by_role("button", name="Do it").click()
    page.get_by_text("1 texts resolved.").wait_for()
    page.goto(f"{site}/admin/sms_outbox/row/?state__exact=not_sent")
    page.locator("th.field-id a").click()
    page.locator("#changes-group", has_text="not on the vendor's page").wait_for()
    assert page.locator("#reports", has_text="None yet.").is_visible()


def test_it_speaks_chinese(browser: Any, site: str) -> None:
    page = open_admin(browser, site, "zh-TW")
    page.locator("td.field-state", has_text="未知").wait_for()
    choose(page, "cancel", "order-18")
    page.get_by_role("button", name="執行").click()
    page.locator("td.field-state", has_text="已取消").wait_for()
    page.goto(f"{site}/admin/sms_outbox/account/")
    choose(page, "pause", "default")
    page.fill("[name=because]", "搬家")
    page.get_by_role("button", name="執行").click()
    page.locator("td.field-reason", has_text="搬家").wait_for()
