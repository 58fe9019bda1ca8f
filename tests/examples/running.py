"""The examples, and how each is run: its real servers, as its README says."""

from __future__ import annotations

import http.client
import json
import os
import random
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple

from attrs import define, field, frozen

from tests.examples.oracle import Oracle
from tests.support.redis import redis_server
from tests.support.starter import Starter, children_of

EXAMPLES = Path(__file__).parents[2] / "examples"
PATIENCE = 120.0
SECRET = "a-secret-of-these-tests-only"
TOKEN = "a-token-of-these-tests-only"
HASH_KEY = "a-hash-key-of-these-tests-only"

_GUNICORN = ("gunicorn", "--workers", "2", "--no-control-socket", "--bind", "fd://{socket}")
_UVICORN = ("uvicorn", "--no-access-log", "--fd", "{socket}")
_CELERY = ("celery", "-A", "tasks")
COMMON = (
    "sqlalchemy.dialects.sqlite.pysqlite",
    "sqlalchemy.dialects.postgresql.psycopg",
    "psycopg",
    "sms_core_outbox.aio",
    "sms_core_every8d.http.provider",
    "sms_core.webhooks.starlette",
)
"""What the programs of all import."""


@frozen
class Program:
    """One of an example's programs: the arguments of ``python -m``; whether it has child processes that do the work."""

    name: str
    arguments: tuple[str, ...]
    has_children: bool = False


@frozen
class Example:
    """What an example's README says of how to run it. The first program is the web server.

    ``imports`` are what its programs import, ``account`` is the name in the webhook's address, ``first`` what is run once
    before. ``{socket}`` and ``{folder}`` stand in the arguments for the web server's socket and a folder of the test's.
    """

    folder: str
    programs: tuple[Program, ...]
    imports: tuple[str, ...]
    account: str = "main"
    first: tuple[str, ...] = ()
    needs_redis: bool = False


_FLASK = ("flask", "sms_core.webhooks.flask", "gunicorn.app.wsgiapp", "gunicorn.workers.sync", "gunicorn.glogging")

FLASK = Example(
    "flask",
    (
        Program("gunicorn", (*_GUNICORN, "app:app"), has_children=True),
        Program("worker", ("sms_core_cli", "outbox", "run")),
    ),
    (*_FLASK, "logging.handlers", "sms_core_cli.app", "sms_core_cli.commands.outbox"),
)
FASTAPI = Example(
    "fastapi",
    (Program("uvicorn", (*_UVICORN, "app:app")),),
    (
        *("fastapi", "pydantic.v1", "sms_core.webhooks.fastapi", "anyio._backends._asyncio"),
        *("uvicorn.main", "uvicorn.lifespan.on", "uvicorn.logging", "uvicorn.loops.auto", "uvicorn.loops.asyncio"),
        *("uvicorn.protocols.http.auto", "uvicorn.protocols.websockets.auto"),
    ),
)
CELERY = Example(
    "celery",
    (
        Program("gunicorn", (*_GUNICORN, "web:app"), has_children=True),
        Program(
            "worker",
            (*_CELERY, "worker", "--concurrency", "1", "--without-mingle", "--without-gossip"),
            has_children=True,
        ),
        Program("beat", (*_CELERY, "beat", "--schedule", "{folder}/beat")),
    ),
    (
        *(*_FLASK, "sms_core_outbox.engines.celery", "celery.bin.celery", "celery.apps.worker", "celery.apps.beat"),
        *("celery.concurrency.prefork", "kombu.transport.redis"),
    ),
    needs_redis=True,
)
DJANGO = Example(
    "django",
    (
        Program("gunicorn", (*_GUNICORN, "project.wsgi"), has_children=True),
        Program("worker", ("manage", "sms_outbox", "run")),
    ),
    (
        *("gunicorn.app.wsgiapp", "gunicorn.workers.sync", "gunicorn.glogging", "logging.handlers"),
        *(
            "django.core.management",
            "django.core.management.commands.migrate",
            "django.core.wsgi",
            "django.contrib.admin",
        ),
        *("django.db.backends.sqlite3.base", "django.db.backends.postgresql.base", "django.conf.locale.en.formats"),
        *("sms_core_django.webhooks", "sms_core_django.views", "sms_core_django.contrib.outbox.views"),
    ),
    account="default",
    first=("manage", "migrate", "--verbosity", "0"),
)
ALL = (FLASK, FASTAPI, DJANGO, CELERY)


class Answer(NamedTuple):
    """What the application answered, and between which seconds since 1970."""

    status: int
    json: Any
    begun: float
    ended: float


@define
class Application:
    """The programs of an example, with their files in ``folder``: started by a `Starter`, and asked by its port."""

    example: Example
    folder: Path
    starter: Starter
    oracle: Oracle
    outbox_url: str
    broker: str = ""
    _pids: dict[str, int] = field(factory=dict)

    def start_all(self) -> None:
        """Start its programs, the web server first: it makes the tables."""
        if self.example.first:
            before = self._start(self.example.first)
            self.wait_until(lambda: self.starter.has_ended(before))
        web, *others = self.example.programs
        self.start(web)
        self.wait_until(self._answers)
        for program in others:
            self.start(program)

    def start(self, program: Program) -> None:
        """Start one of its programs."""
        self._pids[program.name] = self._start(program.arguments)

    def _start(self, arguments: tuple[str, ...]) -> int:
        words = {"socket": self.starter.socket, "folder": self.folder}
        environment = {
            **os.environ,
            "SMS_DSN": self.oracle.dsn,
            "SMS_OUTBOX": self.outbox_url,
            "DATABASE_URL": self.outbox_url,
            "SMS_OUTBOX_HASH_KEY": HASH_KEY,
            "SMS_WEBHOOK_SECRET": SECRET,
            "APP_TOKEN": TOKEN,
            "SECRET_KEY": SECRET,
            "CELERY_BROKER_URL": self.broker,
            "XDG_STATE_HOME": str(self.folder / "state"),
            "TMPDIR": str(self.folder),
            "PYTHONUNBUFFERED": "1",
        }
        return self.starter.start(
            [word.format_map(words) for word in arguments],
            folder=EXAMPLES / self.example.folder,
            log=self.folder / "log",
            environment=environment,
        )

    def kill(self, program: Program) -> None:
        """End one of them by SIGKILL; its children live on."""
        self.starter.kill(self._pids.pop(program.name))

    def kill_child(self, program: Program, chance: random.Random) -> None:
        """End one of its children by SIGKILL, which the program notices by itself."""
        self.wait_until(lambda: bool(children_of(self._pids[program.name])))
        with suppress(ProcessLookupError, IndexError):  # it has ended meanwhile
            os.kill(chance.choice(children_of(self._pids[program.name])), signal.SIGKILL)

    def wait_until(self, is_so: Callable[[], bool]) -> None:
        """Look again and again until it is so, and meanwhile start again what has ended by itself, as systemd would.

        Raises `TimeoutError` with the log.
        """
        deadline = time.monotonic() + PATIENCE
        while not is_so():
            if time.monotonic() > deadline:
                raise TimeoutError(self.log()[-10_000:])
            for program in self.example.programs:
                pid = self._pids.get(program.name)
                if pid is not None and self.starter.has_ended(pid):
                    self.start(program)
            time.sleep(0.02)

    def log(self) -> str:
        """All that its programs have said."""
        file = self.folder / "log"
        return file.read_text(encoding="utf-8", errors="replace") if file.exists() else ""

    def ask(self, path: str, body: object = None, *, key: str = "", token: str = TOKEN) -> Answer:
        """Its answer to a GET, or with a body to a POST. Raises `OSError` or `HTTPException` where there is none."""
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        if key:
            headers["Idempotency-Key"] = key
        connection = http.client.HTTPConnection("127.0.0.1", self.starter.port, timeout=PATIENCE)
        begun = time.time()
        try:
            data = None if body is None else json.dumps(body).encode()
            connection.request("GET" if data is None else "POST", path, data, headers)
            answer = connection.getresponse()
            text = answer.read()
        finally:
            connection.close()
        is_json = "json" in (answer.getheader("Content-Type") or "")
        return Answer(answer.status, json.loads(text) if is_json else None, begun, time.time())

    def _answers(self) -> bool:
        try:
            return self.ask("/health").status in {200, 503}
        except (OSError, http.client.HTTPException):
            return False


@contextmanager
def running(example: Example, folder: Path, url: str, *, slow: float = 0.0) -> Iterator[Application]:
    """Run an example on the outbox of this URL, and its vendor, whose answers take ``slow`` seconds."""
    with ExitStack() as stack:
        starter = stack.enter_context(Starter(*COMMON, *example.imports))
        address = f"http://127.0.0.1:{starter.port}/sms/{example.account}/{SECRET}"
        oracle = stack.enter_context(Oracle(folder / "vendor.db", address, slow))
        broker = stack.enter_context(redis_server()) if example.needs_redis else ""
        application = Application(example, folder, starter, oracle, url, broker)
        application.start_all()
        yield application
