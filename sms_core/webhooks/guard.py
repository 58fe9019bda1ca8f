"""Who may push: the secret in the path, and the networks that a push may come from."""

from __future__ import annotations

import hmac
import ipaddress
import re
import secrets as random_source
from collections.abc import Iterable

from attrs import field, frozen

from sms_core.callbacks import CallbackRequest
from sms_core.errors import CallbackRefused, ConfigurationError

SHORTEST_SECRET = 16
"""Characters. `new_secret` makes 43, of 256 random bits."""

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

# What a URL carries as it is (RFC 3986, unreserved), so that no proxy writes it in another way.
_SEGMENT = re.compile(r"[A-Za-z0-9._~-]+", re.ASCII)
_MAPPED = ipaddress.IPv6Network("::ffff:0:0/96")


def new_secret() -> str:
    """A fresh secret for the path of a webhook's URL: 43 characters, URL-safe."""
    return random_source.token_urlsafe(32)


def is_segment(text: str) -> bool:
    """Whether the text can be a segment of a URL's path as it is."""
    return _SEGMENT.fullmatch(text) is not None and text not in {".", ".."}


def _to_secrets(given: str | Iterable[str]) -> tuple[bytes, ...]:
    secrets = tuple(given.split()) if isinstance(given, str) else tuple(given)
    for secret in secrets:
        if len(secret) < SHORTEST_SECRET:
            raise ConfigurationError(
                f"a secret needs {SHORTEST_SECRET} characters or more: 'sms webhook-url' or new_secret() makes one"
            )
        if not is_segment(secret):
            raise ConfigurationError(
                "a secret is part of a URL: letters, digits and - . _ ~ only; new_secret() makes one"
            )
    return tuple(secret.encode("ascii") for secret in secrets)


def _to_networks(given: str | Iterable[str]) -> tuple[Network, ...]:
    texts = [given] if isinstance(given, str) else given
    return tuple(_network(text) for text in texts)


def _network(text: str) -> Network:
    try:
        network = ipaddress.ip_network(text)
    except ValueError as error:
        raise ConfigurationError(f"{text!r} is no network such as 203.0.113.0/24 or 2001:db8::/32: {error}") from error
    if isinstance(network, ipaddress.IPv6Network) and network.subnet_of(_MAPPED):
        start = network.network_address.ipv4_mapped
        return ipaddress.IPv4Network((start or 0, network.prefixlen - _MAPPED.prefixlen))
    return network


@frozen
class Guard:
    """What protects a receiver, since no vendor signs what it pushes.

    ``secrets`` are alternatives, so that one can be replaced while the other still counts; without any, every path
    with a known name is let in. ``networks`` (all, if empty) are compared with the caller's address: the peer's, or with
    ``trusted_proxies`` the one that stands so many places from the right in ``X-Forwarded-For``.

    Raises `ConfigurationError`.
    """

    secrets: tuple[bytes, ...] = field(default=(), converter=_to_secrets, repr=False)
    networks: tuple[Network, ...] = field(default=(), converter=_to_networks)
    trusted_proxies: int = 0

    def __attrs_post_init__(self) -> None:
        if self.trusted_proxies < 0:
            raise ConfigurationError("trusted_proxies is the number of proxies in front, 0 or more")

    def check_address(self, request: CallbackRequest) -> None:
        """Raise `CallbackRefused` (403) for a caller from outside the networks, or of unknown address."""
        if self.networks:
            address = self.address(request)
            if address is None or not any(address in network for network in self.networks):
                raise CallbackRefused("the caller is in none of the networks", 403)

    def name_of(self, path: str) -> str | None:
        """The name in a path whose secret is right, else None."""
        before, *segments = path.split("/")
        if before:
            return None
        if not self.secrets:
            return segments[0] if len(segments) == 1 else None
        name, given = segments if len(segments) == 2 else ("", "")  # noqa: PLR2004 - name and secret
        presented = given.encode("utf-8", "replace")
        matches = False
        for secret in self.secrets:  # each of them: how long it takes tells nothing of which one was nearly right
            matches |= hmac.compare_digest(presented, secret)
        return name if matches else None

    def address(self, request: CallbackRequest) -> Address | None:
        """The caller's address, None where it cannot be known."""
        if not self.trusted_proxies:
            return parse_address(request.remote_addr)
        hops = request.headers.get("x-forwarded-for", "").split(",")
        return parse_address(hops[-self.trusted_proxies]) if len(hops) >= self.trusted_proxies else None


def parse_address(text: str) -> Address | None:
    """An address as peers and proxies write it, with or without a port; an IPv4 in IPv6 as IPv4. None for no address."""
    text = text.strip().strip('"')
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
        return address.ipv4_mapped
    return address


def mask_address(address: Address | None) -> str:
    """What a log may show of an address: its network."""
    if address is None:
        return "an unknown address"
    prefix = 24 if isinstance(address, ipaddress.IPv4Address) else 48
    return str(ipaddress.ip_network((address.packed, prefix), strict=False))
