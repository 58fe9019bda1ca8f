"""How each example is run: its real servers, as its README says."""

from __future__ import annotations

import sys

from tests.examples.application import Example

_GUNICORN = [sys.executable, "-m", "gunicorn", "--workers", "2", "--no-control-socket", "--bind", "127.0.0.1:{port}"]
_UVICORN = [sys.executable, "-m", "uvicorn", "--no-access-log", "--port", "{port}"]
_WORKER = [sys.executable, "-m", "celery", "-A", "tasks", "worker", "--concurrency", "2", "--without-mingle"]
_RUNSERVER = [sys.executable, "manage.py", "runserver", "--noreload", "{port}"]

FLASK = Example("flask", [[*_GUNICORN, "app:app"]])
FASTAPI = Example("fastapi", [[*_UVICORN, "app:app"]])
CELERY = Example("celery", [[*_GUNICORN, "web:app"], _WORKER])
DJANGO = Example("django", [_RUNSERVER], ("manage.py", "migrate", "--verbosity", "0"), "default", "texts_")

EXAMPLES = [FLASK, FASTAPI, CELERY, DJANGO]
