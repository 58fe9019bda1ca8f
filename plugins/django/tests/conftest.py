"""A Django project around the app: a settings module, a database in a file, a WSGI server on a free port."""

from __future__ import annotations

import shutil
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import django
import pytest
import urllib3
from django.conf import settings

SECRET = "a-secret-of-nobody-0123456789"
DSN = "every8d://Test:pa55-of-nobody@"
DATABASE = Path(tempfile.mkdtemp(prefix="sms-core-django-")) / "db.sqlite3"
TABLES = ("sms_core_django.HandledEvent", "auth.Group")

if not settings.configured:
    settings.configure(
        ALLOWED_HOSTS=["127.0.0.1", "testserver"],
        DATABASES={
            "default": {
                "ENGINE": "django.db.backends.sqlite3",
                "NAME": DATABASE,
                "TEST": {"NAME": DATABASE},
                "OPTIONS": {"timeout": 30},
            }
        },
        DEBUG=False,
        DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
        DEFAULT_EXCEPTION_REPORTER_FILTER="sms_core_django.reporting.HideDsns",
        INSTALLED_APPS=[
            *("django.contrib.admin", "django.contrib.contenttypes", "django.contrib.auth"),
            *("django.contrib.messages", "django.contrib.sessions", "django.contrib.staticfiles"),
            *("sms_core_django", "sms_core_django.contrib.outbox"),
        ],
        MIDDLEWARE=[
            "django.contrib.sessions.middleware.SessionMiddleware",
            "django.middleware.locale.LocaleMiddleware",
            "django.middleware.common.CommonMiddleware",
            "django.middleware.csrf.CsrfViewMiddleware",
            "django.contrib.auth.middleware.AuthenticationMiddleware",
            "django.contrib.messages.middleware.MessageMiddleware",
        ],
        STATIC_URL="static/",
        TEMPLATES=[
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
        ],
        ROOT_URLCONF="django_project_urls",
        SECRET_KEY="of-nobody",
        SMS={"default": {"DSN": DSN}, "alerts": {"DSN": "sms-get://user:pa55-of-nobody@"}},
        SMS_WEBHOOK_SECRETS=SECRET,
        USE_TZ=True,
    )

import sys
import types

from django.urls import include, path

urls = types.ModuleType("django_project_urls")
urls.urlpatterns = [path("sms/", include("sms_core_django.urls"))]  # type: ignore[attr-defined]
sys.modules["django_project_urls"] = urls
django.setup()

from django.contrib import admin

from sms_core_django.contrib.outbox.views import health

urls.urlpatterns += [path("admin/", admin.site.urls), path("health/sms", health)]

from django.apps import apps
from django.core.management import call_command
from django.core.servers.basehttp import ThreadedWSGIServer
from django.core.wsgi import get_wsgi_application
from django.db import connections
from django.dispatch import Signal
from django.test import override_settings
from django.test.testcases import QuietWSGIRequestHandler
from django.test.utils import setup_test_environment, teardown_test_environment

from sms_core_django import send_sms


@pytest.fixture(scope="session", autouse=True)
def _project() -> Iterator[None]:
    setup_test_environment(debug=False)
    call_command("migrate", verbosity=0)
    yield
    connections.close_all()
    teardown_test_environment()


def pytest_sessionfinish() -> None:
    """Remove the folder, which a worker has that runs none of these tests too."""
    shutil.rmtree(DATABASE.parent)


@pytest.fixture
def database() -> Iterator[None]:
    """The tables that tests write to, empty before and after."""
    for name in TABLES:
        apps.get_model(name).objects.all().delete()
    yield
    for name in TABLES:
        apps.get_model(name).objects.all().delete()
    connections.close_all()


@pytest.fixture
def configure() -> Iterator[Callable[..., None]]:
    """Change settings until the test ends."""
    with ExitStack() as changed:
        yield lambda **changes: changed.enter_context(override_settings(**changes))


@pytest.fixture
def outbox_on(database: None, configure: Callable[..., None]) -> Iterator[None]:
    """The outbox in the settings, with tables that are empty before and after."""
    configure(SMS={"default": {"DSN": DSN}, "OUTBOX": True})
    _empty_outbox()  # other tests write these tables with a hash key of their own
    yield
    _empty_outbox()


def _empty_outbox() -> None:
    names = (*(f"sms_outbox.{name}" for name in ("Put", "Fact", "Account", "Worker", "Report")), "auth.User")
    for name in names:
        apps.get_model(name).objects.all().delete()


@pytest.fixture
def ticket(outbox_on: None) -> Any:
    """A text that waits."""
    return send_sms("only for her", "+886912345678", key="order-17")


@pytest.fixture
def listen() -> Iterator[Callable[[Signal, Callable[..., Any]], None]]:
    """Connect receivers to signals until the test ends."""
    with ExitStack() as connected:

        def connect(signal: Signal, receiver: Callable[..., Any]) -> None:
            signal.connect(receiver, weak=False)
            connected.callback(signal.disconnect, receiver)

        yield connect


@pytest.fixture
def site() -> Iterator[str]:
    """The project on a real socket; its address."""
    server = ThreadedWSGIServer(("127.0.0.1", 0), QuietWSGIRequestHandler)
    server.set_app(get_wsgi_application())
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def http() -> Iterator[Callable[..., urllib3.BaseHTTPResponse]]:
    """Ask over a real socket, once, with no redirect followed."""
    with urllib3.PoolManager(retries=False, timeout=20.0) as pool:
        yield lambda method, url, **more: pool.request(method, url, redirect=False, **more)
