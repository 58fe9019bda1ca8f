"""The settings; what is secret comes from the environment."""

import os

from project.databases import entry_of

SECRET_KEY = os.environ["SECRET_KEY"]
ALLOWED_HOSTS = os.environ.get("ALLOWED_HOSTS", "127.0.0.1 localhost").split()
DEBUG = os.environ.get("DEBUG") == "1"
APP_TOKEN = os.environ["APP_TOKEN"]

DATABASES = {"default": entry_of(os.environ.get("DATABASE_URL", "sqlite:///texts.sqlite3"))}
SMS = {"default": {"DSN": os.environ["SMS_DSN"]}, "OUTBOX": True}
SMS_WEBHOOK_SECRETS = os.environ["SMS_WEBHOOK_SECRET"]
DEFAULT_EXCEPTION_REPORTER_FILTER = "sms_core_django.reporting.HideDsns"

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
    "sms_core_django",
    "sms_core_django.contrib.outbox",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
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
ROOT_URLCONF = "project.urls"
STATIC_URL = "static/"
USE_TZ = True
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    # runserver's access log, whose lines show the paths and so the webhook's secret
    "loggers": {"django.server": {"handlers": [], "propagate": False}},
}
