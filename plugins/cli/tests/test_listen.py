"""``sms listen`` as a real process that a vendor pushes to, and ``sms webhook-url``."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from urllib.parse import urlsplit

import pytest

from plugins.cli.tests.conftest import Sms
from sms_core.webhooks import Receiver
from tests.support.children import child
from tests.webhooks.serving import DSNS, EVERY8D, PATIENCE, REPLY, SECRET, SMSGO, call

VARIABLES = ("SMS_DSN", "SMS_WEBHOOK_SECRET")


@contextmanager
def listening(*arguments: str, **environment: str) -> Generator[tuple[subprocess.Popen[str], list[str]], None, None]:
    """The process, and what it said on stderr until it listened."""
    command = [sys.executable, "-m", "sms_core_cli", "listen", "--port", "0", *arguments]
    own = {name: value for name, value in os.environ.items() if name not in VARIABLES}
    with child(
        command,
        env={**own, "PYTHONIOENCODING": "utf-8", **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as running:
        said: list[str] = []
        assert running.stderr
        while "Ctrl-C" not in (said or [""])[-1]:
            line = running.stderr.readline()
            assert line, said
            said.append(line)
        yield running, said


def base_of(said: list[str]) -> str:
    parts = urlsplit(next(word for word in said[0].replace('"', " ").split() if word.startswith("http://")))
    return f"http://{parts.netloc}"


def stopped(running: subprocess.Popen[str], number: signal.Signals = signal.SIGINT) -> tuple[str, str]:
    running.send_signal(number)
    out, err = running.communicate(timeout=PATIENCE)
    assert running.returncode == 0, err
    return out, err


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_each_event_is_a_line_until_it_is_stopped(number: signal.Signals) -> None:
    dsns = [word for dsn in DSNS.values() for word in ("--dsn", dsn)]
    with listening(*dsns, "--secret", SECRET) as (running, said):
        answers = [push.send(base_of(said)) for push in (EVERY8D, EVERY8D, SMSGO, REPLY)]
        out, err = stopped(running, number)
    assert [answer.body for answer in answers] == [b"OK", b"OK", SMSGO.acknowledgement, b"ok"]
    first, second, third = out.splitlines()
    assert first.startswith("report  +886900000001  delivered  2021-12-16 16:09:06+08:00  c496f706")
    assert first.endswith("order-17  100 已成功送達手機。")
    assert second == "report  +886900000001  delivered  100101121234567  DELIVRD Message is delivered to Destination"
    assert third == "reply  +886900000001  雙向簡訊回傳  2013-01-01 21:08:07+08:00"
    assert SECRET not in "".join(said) + err


def test_in_json_each_event_is_an_object_on_a_line() -> None:
    with listening("--json", SMS_DSN=DSNS["every8d"], SMS_WEBHOOK_SECRET=f"{SECRET} {SECRET}2") as (running, said):
        base = base_of(said)
        assert [EVERY8D.send(base, secret).status for secret in (SECRET, SECRET + "2", SECRET + "3")] == [200, 200, 404]
        out, _ = stopped(running)
    (event,) = (json.loads(line) for line in out.splitlines())
    assert (event["number"], event["status"], event["raw"]["MR"]) == ("+886900000001", "delivered", "order-17")
    assert json.loads(said[0]) == {"say": f"Listening at {base}/every8d/ and the secret"}


def test_without_a_secret_it_makes_one_and_shows_the_whole_address() -> None:
    with listening("--dsn", DSNS["smsgo"]) as (running, said):
        address = said[0].split()[-1]
        assert call(f"{address}?msgid=1&statusstr=DELIVRD&statuscode=0&dstaddr=0900000001").status == 200
        assert SMSGO.send(base_of(said)).status == 404
        out, err = stopped(running)
    assert out == "report  +886900000001  delivered  1  DELIVRD Message is delivered to Destination\n"
    assert len(address.rpartition("/")[2]) == 43
    assert "wrong name or secret" in err


def test_insecure_does_without_even_if_the_environment_has_one() -> None:
    with listening("--insecure", SMS_DSN=DSNS["smsgo"], SMS_WEBHOOK_SECRET=SECRET) as (running, said):
        assert said[0].rstrip().endswith("/smsgo")
        assert call(f"{base_of(said)}/smsgo?msgid=1&statusstr=DELIVRD&statuscode=0").status == 200
        stopped(running)


def test_a_header_that_only_looks_like_the_proxys_does_not_count() -> None:
    with listening(
        "--secret", SECRET, "--network", "203.0.113.0/24", "--trusted-proxies", "1", SMS_DSN=DSNS["smsgo"]
    ) as (running, said):
        url = f"{base_of(said)}/smsgo/{SECRET}?msgid=1&statusstr=DELIVRD&statuscode=0"
        forged = {"X-Forwarded-For": "198.51.100.7", "X_Forwarded_For": "203.0.113.7"}
        assert call(url, headers=forged).status == 403
        assert call(url, headers={"X-Forwarded-For": "203.0.113.7"}).status == 200
        stopped(running)


def test_a_request_that_is_no_http_says_nothing_of_the_secret() -> None:
    with listening("--secret", SECRET, SMS_DSN=DSNS["smsgo"]) as (running, said):
        parts = urlsplit(base_of(said))
        with socket.create_connection((parts.hostname or "", parts.port or 0), timeout=PATIENCE) as raw:
            raw.sendall(f"GET /smsgo/{SECRET} NONSENSE/9 x\r\n\r\n".encode())
            assert b"400" in raw.recv(1000)
        _, err = stopped(running)
    assert SECRET not in err


def test_it_listens_where_it_is_told() -> None:
    with listening("--host", "::1", "--secret", SECRET, SMS_DSN=DSNS["smsgo"]) as (running, said):
        assert base_of(said).startswith("http://[::1]:")
        assert SMSGO.send(base_of(said)).status == 200
        stopped(running)


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["--dsn", "memory://nobody"], "pushed reports"),
        (["--dsn", DSNS["smsgo"], "--secret", "short"], "16 characters"),
        (["--dsn", DSNS["smsgo"], "--secret", SECRET, "--insecure"], "contradiction"),
        (["--dsn", DSNS["smsgo"], "--dsn", DSNS["smsgo"]], "two DSNs"),
        (["--dsn", DSNS["smsgo"], "--network", "here"], "no network"),
    ],
)
def test_a_wrong_use_is_told(sms: Sms, arguments: list[str], reason: str) -> None:
    done = sms("listen", "--json", *arguments)
    assert done.code == 2
    assert reason in done.error["message"]


def test_without_an_account_it_says_which_variable_to_set(sms: Sms) -> None:
    done = sms("listen", dsn=None)
    assert done.code == 2
    assert "SMS_DSN" in done.err


def test_a_port_that_is_taken_is_told(sms: Sms) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        done = sms("listen", "--dsn", DSNS["smsgo"], "--port", str(taken.getsockname()[1]))
    assert done.code == 2
    assert "in use" in done.err


def test_a_webhook_url_is_the_base_the_name_and_a_fresh_secret(sms: Sms) -> None:
    done = [sms("webhook-url", "--base", "https://example.com/sms/", "--name", "every8d") for _ in range(2)]
    assert [run.code for run in done] == [0, 0]
    (base, secret), (_, other) = (run.out.strip().rsplit("/", 1) for run in done)
    assert base == "https://example.com/sms/every8d"
    assert secret != other
    assert "SMS_WEBHOOK_SECRET" in done[0].err
    assert secret not in done[0].err
    Receiver({"every8d": DSNS["every8d"]}, print, secrets=secret)


def test_a_webhook_url_in_json(sms: Sms) -> None:
    data = sms("webhook-url", "--base", "http://127.0.0.1:8080", "--name", "smsgo", "--json").data
    assert data["url"] == f"http://127.0.0.1:8080/smsgo/{data['secret']}"
    assert data["name"] == "smsgo"


@pytest.mark.parametrize(
    ("base", "name", "reason"),
    [
        ("http://example.com/sms", "every8d", "--allow-plaintext"),
        ("ftp://example.com", "every8d", "https://"),
        ("example.com/sms", "every8d", "https://"),
        ("https://", "every8d", "https://"),
        ("https://[::1", "every8d", "no URL"),
        ("https://u:p@example.com", "every8d", "no user"),
        ("https://example.com/?a=b", "every8d", "no user"),
        ("https://example.com/#a", "every8d", "no user"),
        ("https://example.com", "every/8d", "part of a URL"),
    ],
)
def test_a_wrong_base_or_name_is_refused(sms: Sms, base: str, name: str, reason: str) -> None:
    done = sms("webhook-url", "--base", base, "--name", name)
    assert (done.code, done.out) == (2, "")
    assert reason in done.err


def test_plain_http_to_another_machine_needs_a_word(sms: Sms) -> None:
    done = sms("webhook-url", "--base", "http://example.com", "--name", "smsgo", "--allow-plaintext")
    assert done.code == 0
    assert done.out.startswith("http://example.com/smsgo/")
