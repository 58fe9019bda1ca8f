"""Several vendors of one account: who they are, in which order they are tried, and after what the next one is.

A row is at one of them at a time. That vendor surely took nothing before the row goes on to the next, and that is committed
before the next one's claim. How a row goes on is `sms_core_outbox.routes`' to say.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Any, Generic, Protocol, TypeVar, cast, runtime_checkable

from attrs import field, frozen

from sms_core import dsn
from sms_core.errors import ConfigurationError, VendorError
from sms_core.model import Message

ClientT = TypeVar("ClientT")
ClientT_co = TypeVar("ClientT_co", covariant=True)

SEPARATOR = "/"
"""Between an account's name and a vendor's: what waits at a vendor is in the account ``main/every8d``."""


def vendor_of(carrier: str, account: str) -> str:
    """The vendor's name of a carrier of this account; "" where the account is of one vendor."""
    return carrier.removeprefix(account).removeprefix(SEPARATOR)


@runtime_checkable
class SeveralVendors(Protocol[ClientT_co]):
    """What an account may be instead of a DSN or a client: `Failover`, or a client that `sms_core_policy.failover` made."""

    @property
    def clients(self) -> Mapping[str, str | ClientT_co]:
        """A DSN or a client by each vendor's name, the first to be tried first."""
        ...

    @property
    def also_after(self) -> tuple[type[VendorError], ...]:
        """Errors of a vendor's refusal after which the next one is tried, such as `InsufficientCredit`."""
        ...

    @property
    def rest(self) -> timedelta:
        """How long a vendor rests that could not be reached."""
        ...

    def order_of(self, message: Message) -> Sequence[str]:
        """The names of the vendors for a message, the first to be tried first."""
        ...


def _by_name(given: Mapping[str, str | ClientT] | Sequence[str | ClientT]) -> dict[str, str | ClientT]:
    """Clients by their provider's name; the second one of a provider is ``every8d-2``."""
    if isinstance(given, Mapping):
        return dict(given)
    seen: Counter[str] = Counter()
    named: dict[str, str | ClientT] = {}
    for client in given:
        name = dsn.parse(client).provider if isinstance(client, str) else cast("Any", client).info.name
        seen[name] += 1
        named[name if seen[name] == 1 else f"{name}-{seen[name]}"] = client
    return named


@frozen(init=False)
class Failover(Generic[ClientT]):
    """An account of several vendors: what one surely did not take goes to the next.

    ``clients`` are DSNs or clients, the first to be tried first; a mapping names them, else their providers' names do.
    A row goes on where nothing of it was sent, where a vendor cannot carry it, and after a refusal that ``also_after``
    names; never where it is unknown what became of it. A vendor that cannot be reached rests for ``rest``, and what waits there goes to the
    next; then one row tries it. ``order`` gives the names of the vendors for a message.

    Raises `ConfigurationError`.
    """

    clients: Mapping[str, str | ClientT] = field(repr=lambda clients: f"<{', '.join(clients)}>")
    also_after: tuple[type[VendorError], ...]
    rest: timedelta
    order: Callable[[Message], Sequence[str]] | None

    # Written out, since no type checker sees through a converter which clients these are.
    def __init__(
        self,
        clients: Mapping[str, str | ClientT] | Sequence[str | ClientT],
        also_after: Iterable[type[VendorError]] = (),
        rest: timedelta = timedelta(seconds=30),
        order: Callable[[Message], Sequence[str]] | None = None,
    ) -> None:
        named = _by_name(clients)
        if not named:
            raise ConfigurationError("a failover needs a vendor, or several")
        for name in named:
            if not name or SEPARATOR in name:
                raise ConfigurationError(f"a vendor's name is not empty and has no {SEPARATOR!r}: {name!r}")
        self.__attrs_init__(named, tuple(also_after), rest, order)  # pyright: ignore[reportAttributeAccessIssue] - of attrs

    def order_of(self, message: Message) -> Sequence[str]:
        """The names of the vendors for a message, the first to be tried first."""
        return tuple(self.clients) if self.order is None else self.order(message)
