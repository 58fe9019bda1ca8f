"""The settings; what is secret comes from the environment."""

import os
import secrets

SECRET_KEY = os.environ.get("SECRET_KEY") or secrets.token_urlsafe()
ALLOWED_HOSTS = os.environ.get("ALLOWED_HOSTS", "127.0.0.1 localhost").split()
APP_TOKEN = os.environ["APP_TOKEN"]

SMS = {"default": {"DSN": os.environ["SMS_DSN"]}}
SMS_WEBHOOK_SECRETS = os.environ.get("SMS_WEBHOOK_SECRET", "")
DEFAULT_EXCEPTION_REPORTER_FILTER = "sms_core_django.reporting.HideDsns"

INSTALLED_APPS = ["sms_core_django", "texts"]
MIDDLEWARE = ["django.middleware.security.SecurityMiddleware", "django.middleware.common.CommonMiddleware"]
ROOT_URLCONF = "project.urls"
USE_TZ = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": os.environ.get("DATABASE", "messages.sqlite3"),
        "OPTIONS": {"transaction_mode": "IMMEDIATE"},
    }
}
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    # runserver's access log, whose lines show the paths and so the webhook's secret
    "loggers": {"django.server": {"handlers": [], "propagate": False}},
}
