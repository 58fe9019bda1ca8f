"""HTTPS is verified: over real sockets, with certificates made for the test."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme

import sms_core
from sms_core import Outcome
from sms_core._engine.transports.sync import Urllib3Transport
from sms_core.http import Request

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


@pytest.fixture
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def port(authority: trustme.CA) -> Iterator[int]:
    """A server that answers every request, behind a certificate for ``localhost`` alone."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            while True:
                try:
                    raw, _ = listener.accept()
                except OSError:  # the test has ended
                    return
                try:
                    with context.wrap_socket(raw, server_side=True) as connection:
                        connection.recv(65536)
                        connection.sendall(ANSWER)
                except OSError:  # the client did not like the certificate
                    raw.close()

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)
    thread.join(5)


@pytest.fixture
def trusted(authority: trustme.CA, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The machine trusts the authority, as it would trust a company's own."""
    bundle = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(bundle)
    monkeypatch.setenv("SSL_CERT_FILE", str(bundle))


def ask(url: str) -> bytes:
    transport = Urllib3Transport(connect_timeout=5, read_timeout=5)
    try:
        return transport.send(Request("GET", url)).body
    finally:
        transport.close()


@pytest.mark.usefixtures("trusted")
def test_a_certificate_that_the_machine_trusts(port: int) -> None:
    assert ask(f"https://localhost:{port}/") == b"ok"


@pytest.mark.usefixtures("trusted")
def test_a_certificate_of_another_name_is_refused_before_anything_is_sent(port: int) -> None:
    with pytest.raises(sms_core.TransportError) as caught:
        ask(f"https://127.0.0.1:{port}/")
    assert caught.value.sent is False


def test_a_certificate_of_nobody_is_refused_and_the_message_is_not_sent(port: int) -> None:
    dsn = f"every8d://UID:PWD@localhost:{port}?auth=password&retries=0"
    with sms_core.connect(dsn) as sms, pytest.raises(sms_core.NotSent) as caught:
        sms.send("text", to="0900000001")
    assert [row.outcome for row in caught.value.result.outcomes] == [Outcome.NOT_SENT]
