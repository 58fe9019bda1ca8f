"""``manage.py check``: every message, and silence where all is well."""

from __future__ import annotations

import sys
import types
from collections.abc import Callable
from typing import Any

import pytest
from django.conf import settings
from django.core.checks import Tags, run_checks
from django.test.utils import setup_test_environment, teardown_test_environment
from django.urls import include, path
from django.views.debug import SafeExceptionReporterFilter

from sms_core_django.reporting import HideDsns

SECRET = "a-secret-of-nobody-0123456789"
PASSWORD = "pa55-of-nobody"
GOOD = {"default": {"DSN": f"every8d://user:{PASSWORD}@"}}
Configure = Callable[..., None]


def said(tag: str | None = None, *, deploy: bool = False) -> dict[str, str]:
    """What the checks say of us, by id: message and hint."""
    found = run_checks(tags=[tag] if tag else None, include_deployment_checks=deploy)
    ours = [check for check in found if str(check.id).startswith("sms.")]
    assert all(check.hint for check in ours)
    return {str(check.id): f"{check.msg} {check.hint}" for check in ours}


@pytest.fixture
def live() -> Any:
    """Outside of a test environment, as on a live site."""
    teardown_test_environment()
    yield
    setup_test_environment(debug=False)


def test_all_is_well() -> None:
    assert said() == {}


@pytest.mark.usefixtures("live")
def test_all_is_well_on_a_live_site() -> None:
    assert said() == {}


def test_without_any_settings_there_is_nothing_to_say_but_of_the_webhooks(configure: Configure) -> None:
    configure(SMS={}, SMS_WEBHOOK_SECRETS=())
    assert list(said()) == ["sms.W001"]


@pytest.mark.parametrize(
    ("changes", "identity", "words"),
    [
        ({"SMS": []}, "sms.E001", "SMS is a dictionary"),
        ({"SMS": {"alerts": {"DSN": f"user:{PASSWORD}@"}}}, "sms.E001", "SMS['alerts']['DSN']: a DSN starts with"),
        ({"SMS": {"alerts": {"DSN": "evry8d://"}}}, "sms.E001", "did you mean 'every8d'"),
        ({"SMS": {"alerts": {"BACKEND": "nowhere.at_all"}}}, "sms.E001", "nowhere"),
        ({"SMS_WEBHOOK_SECRETS": "too-short"}, "sms.E002", "SMS_WEBHOOK_SECRETS: a secret needs 16 characters"),
        ({"SMS_WEBHOOK_SECRETS": None}, "sms.E002", "SMS_WEBHOOK_SECRETS is text or a list of texts"),
        ({"SMS_WEBHOOK_SECRETS": [1]}, "sms.E002", "SMS_WEBHOOK_SECRETS is a list of texts"),
        ({"SMS_WEBHOOK_INSECURE": "False"}, "sms.E002", "SMS_WEBHOOK_INSECURE is True or False"),
        ({"SMS_WEBHOOK_INSECURE": True}, "sms.E002", "SMS_WEBHOOK_INSECURE and SMS_WEBHOOK_SECRETS"),
        ({"SMS_WEBHOOK_NETWORKS": "203.0.113.1/24"}, "sms.E002", "SMS_WEBHOOK_NETWORKS: "),
        ({"SMS_WEBHOOK_TRUSTED_PROXIES": -1}, "sms.E002", "SMS_WEBHOOK_TRUSTED_PROXIES: "),
        ({"SMS_WEBHOOK_TRUSTED_PROXIES": True}, "sms.E002", "SMS_WEBHOOK_TRUSTED_PROXIES is a number"),
        ({"SMS_WEBHOOK_STORE": "no.such.Store"}, "sms.E002", "SMS_WEBHOOK_STORE: "),
        ({"SMS": {"default": {"DSN": "memory://"}}}, "sms.E002", "no account whose vendor pushes"),
        ({"SMS_WEBHOOK_SECRETS": ""}, "sms.W001", "sms webhook-url"),
        ({"SMS_WEBHOOK_SECRETS": "", "SMS_WEBHOOK_INSECURE": True}, "sms.W002", "SMS_WEBHOOK_NETWORKS"),
        (
            {"SMS": {"default": {"DSN": f"every8d://user:{PASSWORD}@example.org?scheme=http&allow_plaintext=true"}}},
            "sms.W003",
            "plain HTTP to example.org",
        ),
        (
            {"DEFAULT_EXCEPTION_REPORTER_FILTER": "django.views.debug.SafeExceptionReporterFilter"},
            "sms.W005",
            "sms_core_django.reporting.HideDsns",
        ),
        ({"SMS_WEBHOOK_SECRET": SECRET}, "sms.W006", "did you mean 'SMS_WEBHOOK_SECRETS'"),
    ],
)
def test_each_mistake(configure: Configure, changes: dict[str, Any], identity: str, words: str) -> None:
    configure(**changes)
    messages = said()
    assert list(messages) == [identity]
    assert words in messages[identity]
    assert not any(hidden in str(messages) for hidden in (SECRET, PASSWORD, "too-short"))


def test_without_a_database_events_are_not_remembered(configure: Configure, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(settings.DATABASES["default"], "ENGINE", "django.db.backends.dummy")
    assert "sms_core.webhooks.MemoryEvents" in said()["sms.E003"]
    configure(SMS_WEBHOOK_STORE="sms_core.webhooks.MemoryEvents")
    assert said() == {}


@pytest.mark.parametrize("dsn", [f"every8d://user:{PASSWORD}@127.0.0.1:8025?scheme=http", "every8d://user:@"])
def test_plain_http_to_this_machine_is_nobodys_business(configure: Configure, dsn: str) -> None:
    configure(SMS={"default": {"DSN": dsn}})
    assert said() == {}


@pytest.mark.usefixtures("live")
@pytest.mark.parametrize("backend", ["console", "locmem"])
def test_a_live_site_whose_texts_reach_nobody(configure: Configure, backend: str) -> None:
    configure(SMS_BACKEND=f"sms_core_django.backends.{backend}")
    assert list(said()) == ["sms.W004"]
    configure(DEBUG=True)
    assert said() == {}


def test_protection_is_a_matter_of_security(configure: Configure) -> None:
    configure(SMS_WEBHOOK_SECRETS="", SMS_WEBHOOK_INSECURE=True)
    assert list(said(Tags.security)) == ["sms.W002"]
    assert said("sms") == {}


def test_a_deployed_site_takes_pushes_over_https_alone(configure: Configure) -> None:
    assert list(said(Tags.security, deploy=True)) == ["sms.W007"]
    configure(SECURE_SSL_REDIRECT=True)
    assert said(deploy=True) == {}


def test_webhooks_that_are_not_included_need_no_secret(configure: Configure, monkeypatch: pytest.MonkeyPatch) -> None:
    empty = types.ModuleType("empty_urls")
    empty.urlpatterns = []  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "empty_urls", empty)
    configure(SMS_WEBHOOK_SECRETS="", ROOT_URLCONF="empty_urls")
    assert said(deploy=True) == {}


def test_webhooks_are_found_wherever_they_are_included(configure: Configure, monkeypatch: pytest.MonkeyPatch) -> None:
    deep = types.ModuleType("deep_urls")
    inner = ([path("sms/", include("sms_core_django.urls"))], "inner")
    deep.urlpatterns = [path("api/", include(inner, namespace="one"))]  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "deep_urls", deep)
    configure(SMS_WEBHOOK_SECRETS="", ROOT_URLCONF="deep_urls")
    assert list(said()) == ["sms.W001"]


def test_error_reports_show_no_dsn() -> None:
    shown = HideDsns().get_safe_settings()
    assert PASSWORD in str(settings.SMS)
    assert PASSWORD not in str(shown)
    assert SECRET not in str(shown)
    assert PASSWORD in str(SafeExceptionReporterFilter().get_safe_settings())
