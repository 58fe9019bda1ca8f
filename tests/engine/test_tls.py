"""HTTPS is verified: over real sockets, with certificates made for the test."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import quote

import pytest
import trustme

import sms_core
from sms_core import Outcome
from sms_core._engine.transports.sync import SocketTransport
from sms_core.http import Request
from tests.support.colours import BlockingTransport

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

Listen = Callable[[trustme.LeafCert], int]


@pytest.fixture(params=[SocketTransport, BlockingTransport], ids=["sync", "async"], autouse=True)
def _colour(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(globals(), "SocketTransport", request.param)


@pytest.fixture
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def listen() -> Iterator[Listen]:
    """Start a server that answers every request behind this certificate; its port."""
    listeners: list[socket.socket] = []
    threads: list[threading.Thread] = []

    def start(certificate: trustme.LeafCert) -> int:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        certificate.configure_cert(context)
        listener = socket.create_server(("127.0.0.1", 0))

        def serve() -> None:
            while True:
                try:
                    raw, _ = listener.accept()
                except OSError:  # the test has ended
                    return
                raw.settimeout(20)
                try:
                    with context.wrap_socket(raw, server_side=True) as connection:
                        while connection.recv(65536):
                            connection.sendall(ANSWER)
                except OSError:  # the client did not like the certificate
                    raw.close()

        listeners.append(listener)
        threads.append(threading.Thread(target=serve, daemon=True))
        threads[-1].start()
        port: int = listener.getsockname()[1]
        return port

    yield start
    for listener in listeners:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
    for thread in threads:
        thread.join(5)


@pytest.fixture
def port(authority: trustme.CA, listen: Listen) -> int:
    """Of a server with a certificate for ``localhost`` alone."""
    return listen(authority.issue_cert("localhost"))


@pytest.fixture
def ca_file(authority: trustme.CA, tmp_path: Path) -> str:
    """The authority's certificate, in a file."""
    bundle = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(bundle)
    return str(bundle)


@pytest.fixture
def trusted(ca_file: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The machine trusts the authority, as it would trust a company's own."""
    monkeypatch.setenv("SSL_CERT_FILE", ca_file)


def ask(url: str, **settings: str) -> bytes:
    transport = SocketTransport(connect_timeout=5, read_timeout=5, **settings)  # type: ignore[arg-type]
    try:
        answers = {transport.send(Request("GET", url)).body for _ in range(2)}
    finally:
        transport.close()
    return answers.pop()


def refusal(url: str, **settings: str) -> str:
    with pytest.raises(sms_core.TransportError) as caught:
        ask(url, **settings)
    assert caught.value.sent is False
    return str(caught.value)


@pytest.mark.usefixtures("trusted")
def test_a_certificate_that_the_machine_trusts(port: int) -> None:
    assert ask(f"https://localhost:{port}/") == b"ok"


def test_a_certificate_that_a_file_of_ours_trusts(port: int, ca_file: str) -> None:
    assert ask(f"https://localhost:{port}/", ca_file=ca_file) == b"ok"


@pytest.mark.usefixtures("trusted")
def test_a_file_of_ours_is_trusted_instead_of_the_machine_s(port: int, tmp_path: Path) -> None:
    other = tmp_path / "other.pem"
    trustme.CA().cert_pem.write_to_path(other)
    assert "unknown issuer" in refusal(f"https://localhost:{port}/", ca_file=str(other))


@pytest.mark.usefixtures("trusted")
def test_a_certificate_of_another_host_is_refused_before_anything_is_sent(port: int) -> None:
    said = refusal(f"https://127.0.0.1:{port}/")
    assert said == "no connection to 127.0.0.1: its certificate is for another host"


def test_a_certificate_of_an_unknown_issuer(port: int) -> None:
    said = refusal(f"https://localhost:{port}/")
    assert said.startswith("no connection to localhost: its certificate is of an unknown issuer")


@pytest.mark.parametrize(("days", "wrong"), [((-2, -1), "has expired"), ((1, 2), "is not valid yet")])
def test_a_certificate_of_another_time(
    authority: trustme.CA, listen: Listen, ca_file: str, days: tuple[int, int], wrong: str
) -> None:
    begins, ends = (datetime.now(UTC) + timedelta(days=number) for number in days)
    port = listen(authority.issue_cert("localhost", not_before=begins, not_after=ends))
    assert refusal(f"https://localhost:{port}/", ca_file=ca_file).endswith(f"its certificate {wrong}")


def test_a_message_behind_a_certificate_of_nobody_is_not_sent(port: int) -> None:
    dsn = f"every8d://UID:PWD@localhost:{port}?auth=password&retries=0"
    with sms_core.connect(dsn) as sms, pytest.raises(sms_core.NotSent, match="unknown issuer") as caught:
        sms.send("text", to="0900000001")
    assert [row.outcome for row in caught.value.result.outcomes] == [Outcome.NOT_SENT]


def test_ca_file_is_an_option_of_the_dsn(port: int, ca_file: str) -> None:
    dsn = f"every8d://UID:PWD@localhost:{port}?auth=password&retries=0&ca_file={quote(ca_file)}"
    with sms_core.connect(dsn) as sms, pytest.raises(sms_core.OutcomeUnknown):  # it got an answer, if not EVERY8D's
        sms.send("text", to="0900000001")


@pytest.mark.parametrize("content", [None, "", "no certificate"], ids=["missing", "empty", "no PEM"])
def test_a_ca_file_that_cannot_be_read_is_named_at_once(tmp_path: Path, content: str | None) -> None:
    path = tmp_path / "ca.pem"
    if content is not None:
        path.write_text(content)
    with pytest.raises(sms_core.ConfigurationError, match=r"'ca_file'.*ca\.pem"):
        sms_core.connect(f"every8d://UID:PWD@?ca_file={quote(str(path))}")


def test_a_folder_is_no_ca_file(tmp_path: Path) -> None:
    with pytest.raises(sms_core.ConfigurationError, match="'ca_file'"):
        sms_core.connect(f"every8d://UID:PWD@?ca_file={quote(str(tmp_path))}")
