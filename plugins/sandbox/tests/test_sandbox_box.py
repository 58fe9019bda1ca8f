"""The sandbox as a whole: its life, its DSNs, its faces, and the ways to run it."""

from __future__ import annotations

import importlib.metadata
import re
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
import urllib3
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send

import sms_core
from sms_core import ConfigurationError
from sms_core.testing import Clock, Exchange
from sms_core_sandbox import Face, Sandbox, serve
from sms_core_sandbox.fixtures import sandbox as sandbox  # noqa: PLC0414 - a fixture is used by its name
from tests.support.children import child


def hello(exchange: Exchange) -> Face:
    del exchange

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        path = scope["path"].removeprefix(scope["root_path"])
        await PlainTextResponse(f"hello from {path}")(scope, receive, send)

    return Face(app)


class TestLife:
    def test_it_listens_when_start_returns_and_not_after_stop(self) -> None:
        box = Sandbox(faces={}).start()
        url, port = box.url, box.port
        assert urllib3.request("GET", url).status == 200
        box.stop()
        with pytest.raises(OSError, match=r".*"):
            socket.create_connection(("127.0.0.1", port), timeout=1)
        assert not [thread for thread in threading.enumerate() if thread.name.startswith("sandbox-")]
        box.stop()

    def test_two_at_once(self) -> None:
        with Sandbox(faces={"one": hello}) as first, Sandbox(faces={"two": hello}) as second:
            assert first.port != second.port
            assert urllib3.request("GET", f"{second.url}/two/x").data == b"hello from /x"
            assert urllib3.request("GET", f"{first.url}/two/x").status == 404

    def test_a_port_of_choice_and_one_that_is_taken(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(OSError, match="in use"):
            Sandbox(taken.getsockname()[1], faces={}).start()

    def test_it_stops_while_a_slow_request_is_on_its_way(self) -> None:
        box = Sandbox(faces={"one": hello}).start()
        box.faults.add("slow", seconds=3600)
        outcome: list[object] = []

        def ask() -> None:
            try:
                outcome.append(urllib3.request("GET", f"{box.url}/one/", retries=False))
            except urllib3.exceptions.HTTPError as error:
                outcome.append(error)

        client = threading.Thread(target=ask)
        client.start()
        deadline = threading.Event()
        while not box.faults.applied:
            assert not deadline.wait(0.01)
        box.stop()
        client.join(5)
        assert outcome

    def test_unstarted_it_has_no_address(self) -> None:
        with pytest.raises(RuntimeError, match="not started"):
            Sandbox(faces={"one": hello}).dsn("one")


class TestDsn:
    def test_it_names_everything(self, sandbox: Sandbox) -> None:
        dsn = sandbox.dsn("every8d", auth="password")
        expected = rf"every8d://sandbox:sandbox-password@127\.0\.0\.1:{sandbox.port}/every8d\?scheme=http&auth=password"
        assert re.fullmatch(expected, dsn)

    def test_another_user(self, sandbox: Sandbox) -> None:
        sandbox.exchange.add_account("me@shop", "p/w", 5)
        with sms_core.connect(sandbox.dsn("every8d", user="me@shop", password="p/w")) as sms:
            assert sms.balance().credit == 5

    def test_a_vendor_that_is_not_there(self, sandbox: Sandbox) -> None:
        with pytest.raises(ConfigurationError, match="no face for 'nonsense'"):
            sandbox.dsn("nonsense")


def test_the_fixture_of_the_documentation(sandbox: Sandbox) -> None:
    with sms_core.connect(sandbox.dsn("every8d")) as sms:
        sms.send("歡迎", to="0900000001")
    assert [sent.text for sent in sandbox.exchange.accepted] == ["歡迎"]


def test_a_dsn_has_the_options_that_its_vendor_needs() -> None:
    def needy(exchange: Exchange) -> Face:
        return Face(hello(exchange).app, options={"from": "+886900000001"})

    with Sandbox(faces={"needy": needy}) as box:
        assert sms_core.dsn.parse(box.dsn("needy")).options == {"scheme": "http", "from": "+886900000001"}
        assert sms_core.dsn.parse(box.dsn("needy", **{"from": "shop"})).options["from"] == "shop"


def test_a_dsn_has_the_callback_url_where_a_vendor_signs_it() -> None:
    def signing(exchange: Exchange) -> Face:
        return Face(hello(exchange).app, callback_option="public")

    with Sandbox(faces={"signing": signing, "other": hello}) as box:
        assert sms_core.dsn.parse(box.dsn("signing")).options == {"scheme": "http"}
        box.callback_url = "http://127.0.0.1:9/sms"
        assert sms_core.dsn.parse(box.dsn("signing")).options["public"] == "http://127.0.0.1:9/sms"
        assert sms_core.dsn.parse(box.dsn("signing", public="https://x")).options["public"] == "https://x"
        assert sms_core.dsn.parse(box.dsn("other")).options == {"scheme": "http"}


def test_a_clock_of_ones_own() -> None:
    clock = Clock()
    assert Sandbox(faces={}, clock=clock).clock is clock


class TestFaces:
    @pytest.fixture
    def installed(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        """A distribution with a face that works and one that cannot be imported."""
        (tmp_path / "third_party_face.py").write_text(
            "from sms_core_sandbox import Face\n"
            "from starlette.responses import PlainTextResponse\n"
            "def face(exchange):\n    return Face(PlainTextResponse('third party'))\n"
        )
        info = tmp_path / "third_party-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text("Metadata-Version: 2.1\nName: third-party\nVersion: 1.0\n")
        points = "[sms_core.sandbox]\nthird = third_party_face:face\nbroken = no_such_module_at_all:face\n"
        (info / "entry_points.txt").write_text(points)
        monkeypatch.syspath_prepend(str(tmp_path))

    @pytest.mark.usefixtures("installed")
    def test_a_third_partys_face_is_found_and_a_broken_one_left_out(self, caplog: pytest.LogCaptureFixture) -> None:
        with Sandbox() as box:
            assert {"every8d", "third"} <= set(box.faces)
            assert "broken" not in box.faces
            assert urllib3.request("GET", f"{box.url}/third/").data == b"third party"
        assert "the sandbox face of 'broken' cannot be imported: ModuleNotFoundError" in caplog.text

    @pytest.mark.usefixtures("installed")
    def test_a_broken_one_that_is_asked_for(self) -> None:
        with pytest.raises(ConfigurationError, match="'broken' cannot be imported"):
            Sandbox(faces=["broken"])

    def test_one_that_is_not_installed(self) -> None:
        with pytest.raises(ConfigurationError, match="no installed package has a sandbox face for 'nonsense'"):
            Sandbox(faces=["nonsense"])

    def test_every8d_is_installed(self) -> None:
        assert "every8d" in {point.name for point in importlib.metadata.entry_points(group="sms_core.sandbox")}


class TestServe:
    def test_it_says_how_to_use_it_and_stops(self) -> None:
        said: list[str] = []
        stop = threading.Event()
        stop.set()
        serve(0, callback_url="http://127.0.0.1:9/", say=said.append, stop=stop)
        text = "\n".join(said)
        assert re.search(r"every8d://sandbox:sandbox-password@127\.0\.0\.1:\d+/every8d\?scheme=http", text)
        assert re.search(r"inbox +http://127\.0\.0\.1:\d+/", text)
        assert "http://127.0.0.1:9/" in text

    def test_as_a_program_until_ctrl_c(self) -> None:
        command = [
            sys.executable,
            "-u",
            "-m",
            "sms_core_sandbox",
            "--port",
            "0",
            "--credit",
            "7",
            "--approved-name",
            "店",
        ]
        with child(command, stdout=subprocess.PIPE) as program:
            assert program.stdout
            lines: list[str] = []
            for line in program.stdout:
                lines.append(line)
                if line.startswith("Ctrl-C"):
                    break
            found = re.search(r"every8d://\S+", "".join(lines))
            assert found
            with sms_core.connect(found[0]) as sms:
                assert sms.balance().credit == 7
                dropped = sms.send("no name", to="0900000001")
                assert [report.status.name for report in sms.reports(dropped)] == ["REJECTED"]
            program.send_signal(signal.SIGINT)
            rest, _ = program.communicate(timeout=10)
        assert rest == "Stopped.\n"
        assert program.returncode == 0

    def test_nothing_installed(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(importlib.metadata, "distributions", lambda **_: iter(()))
        said: list[Any] = []
        stop = threading.Event()
        stop.set()
        serve(0, say=said.append, stop=stop)
        assert any("pip install sms-core-every8d" in line for line in said)
