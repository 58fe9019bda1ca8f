"""TLS: whom to trust, and what is wrong with a certificate."""

from __future__ import annotations

import socket
import ssl

from urllib3.util import create_urllib3_context, ssl_wrap_socket

from sms_core._engine.transports.sockets import Socket
from sms_core.errors import ConfigurationError, TransportError

_WRONG = {
    2: "is of an unknown issuer",
    9: "is not valid yet",
    10: "has expired",
    18: "is of an unknown issuer: it is signed by itself",
    19: "is of an unknown issuer",
    20: "is of an unknown issuer",
    21: "is of an unknown issuer",
    23: "was revoked",
    62: "is for another host",
    64: "is for another host",
}
"""OpenSSL's codes, X509_V_ERR_… in openssl/x509_vfy.h. Others are told in OpenSSL's own words."""


def trusting(ca_file: str) -> ssl.SSLContext:
    """Verifies certificates by the authorities in a PEM file; "" stands for those of the machine.

    Raises `ConfigurationError` for a file that cannot be read.
    """
    context = create_urllib3_context()
    context.set_alpn_protocols(["http/1.1"])
    if not ca_file:
        context.load_default_certs()
        return context
    try:
        context.load_verify_locations(ca_file)
    except OSError as error:  # an SSLError is one too
        reason = (
            "holds no certificate in PEM" if isinstance(error, ssl.SSLError) else f"cannot be read: {error.strerror}"
        )
        raise ConfigurationError(f"DSN option 'ca_file': {ca_file!r} {reason}") from None
    return context


def shake_hands(plain: Socket, host: str, context: ssl.SSLContext) -> Socket:
    """The same connection, encrypted. Raises `TransportError` for a certificate that is not the host's."""
    inner = not isinstance(plain, socket.socket) or isinstance(plain, ssl.SSLSocket)
    name = host.rstrip(".")
    try:
        return ssl_wrap_socket(plain, server_hostname=name, ssl_context=context, tls_in_tls=inner)  # type: ignore[arg-type]
    except ssl.SSLCertVerificationError as error:
        raise wrong_certificate(host, error) from None


def wrong_certificate(host: str, error: ssl.SSLCertVerificationError) -> TransportError:
    """What is wrong with a host's certificate, in words."""
    wrong = _WRONG.get(error.verify_code, f"is refused: {error.verify_message}")
    return TransportError(f"no connection to {host}: its certificate {wrong}", sent=False)
