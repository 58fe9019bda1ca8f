"""The accounts of an outbox, by name: a DSN, a client or several vendors each, or a function that gives one of these.

What a row goes by is its *carrier*: the account itself, or of an account of several vendors ``main/every8d``, the one at
which the row is. Rates, pauses, results and reports are those of carriers.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import Generic, TypeVar

from sms_core.errors import ConfigurationError, SmsError
from sms_core.model import Message
from sms_core.processes import PerProcess
from sms_core_outbox.schema import NAME_LENGTH
from sms_core_outbox.vendors import SEPARATOR, SeveralVendors

ClientT = TypeVar("ClientT")

Given = Mapping[str, str | ClientT | SeveralVendors[ClientT]] | Callable[[str], str | ClientT | SeveralVendors[ClientT]]
"""Accounts by name, or a function from a name, which raises `LookupError` for one that there is none of."""


class Accounts(Generic[ClientT]):
    """Clients by their carrier's name, connected when they are first asked for. Threads may share it."""

    def __init__(self, given: Given[ClientT], connect: Callable[[str, str], ClientT]) -> None:
        self._given = given
        self._connect = connect
        self._clients: dict[str, ClientT] = {}
        self._own: dict[str, ClientT] = {}
        self._several: dict[str, SeveralVendors[ClientT] | None] = {}
        # A function of accounts may ask for one itself. A thread of the parent may have held it at a fork.
        self._lock = PerProcess(threading.RLock(), lambda _: threading.RLock())

    @property
    def names(self) -> tuple[str, ...] | None:
        """Their names; None where a function gives them."""
        return tuple(self._given) if isinstance(self._given, Mapping) else None

    def knows(self, carrier: str) -> bool:
        """Whether this is the carrier of an account; a function's accounts are known when they are asked for."""
        return not isinstance(self._given, Mapping) or carrier in self._given or self.several_of(carrier) is not None

    def name_of(self, given: str | None) -> str:
        """The account or carrier that is meant. Raises `ConfigurationError` where None names none, or where there is none."""
        names = self.names
        if given is None:
            if names is None or len(names) != 1:
                raise ConfigurationError("there are several accounts: say which, with account=")
            return names[0]
        if names is not None and given not in names and self.several_of(given) is None:
            raise ConfigurationError(f"there is no account {given!r}, only {', '.join(names)}")
        if not given or len(given) > NAME_LENGTH:
            raise ConfigurationError(f"an account's name has 1 to {NAME_LENGTH} characters")
        return given

    def carriers_of(self, name: str) -> tuple[str, ...]:
        """Itself, or one for each vendor of an account of several, in their order."""
        several = self._vendors(name)
        return (name,) if several is None else _carriers(name, several.clients)

    def carriers_for(self, name: str, message: Message) -> tuple[str, ...]:
        """The same in the order in which they are to be tried for a message. Raises `ConfigurationError`."""
        several = self._vendors(name)
        if several is None:
            return (name,)
        order = tuple(several.order_of(message))
        unknown = [vendor for vendor in order if vendor not in several.clients]
        if unknown or not order:
            raise ConfigurationError(
                f"account {name!r} has the vendors {', '.join(several.clients)}, and its order names {unknown or 'none'}"
            )
        return _carriers(name, dict.fromkeys(order))

    def carrier_of(self, given: str | None) -> str:
        """The one carrier that is meant. Raises `ConfigurationError` for an account of several vendors."""
        name = self.name_of(given)
        carriers = self.carriers_of(name)
        if carriers != (name,):
            raise ConfigurationError(f"account {name!r} has several vendors, say which: {', '.join(carriers)}")
        return name

    def several_of(self, carrier: str) -> SeveralVendors[ClientT] | None:
        """The vendors that this carrier is one of; None for an account of one vendor."""
        name, separator, vendor = carrier.rpartition(SEPARATOR)
        if not separator or not self._is_there(name):
            return None
        several = self._vendors(name)
        return several if several is not None and vendor in several.clients else None

    def account_of(self, carrier: str) -> str:
        """The account that this is a carrier of."""
        return carrier if self.several_of(carrier) is None else carrier.rpartition(SEPARATOR)[0]

    def client(self, carrier: str) -> ClientT:
        """The carrier's client. Raises `ConfigurationError`."""
        with self._lock.get():
            if carrier not in self._clients:
                given = self._find(carrier)
                if isinstance(given, str):
                    given = self._own[carrier] = self._connect(carrier, given)
                self._clients[carrier] = given
            return self._clients[carrier]

    def _find(self, carrier: str) -> str | ClientT:
        several = self.several_of(carrier)
        if several is not None:
            return several.clients[carrier.rpartition(SEPARATOR)[2]]
        given = self._look_up(carrier)
        if isinstance(given, SeveralVendors):
            raise ConfigurationError(f"account {carrier!r} has several vendors: {', '.join(given.clients)}")
        return given

    def _vendors(self, name: str) -> SeveralVendors[ClientT] | None:
        if name not in self._several:
            if self.several_of(name) is not None:
                return None  # it is a vendor itself
            given = self._look_up(name)
            self._several[name] = given if isinstance(given, SeveralVendors) else None
        return self._several[name]

    def _is_there(self, name: str) -> bool:
        try:
            self._look_up(name)
        except ConfigurationError:
            return False
        return True

    def _look_up(self, name: str) -> str | ClientT | SeveralVendors[ClientT]:
        try:
            return self._given[name] if isinstance(self._given, Mapping) else self._given(name)
        except SmsError:
            raise
        except LookupError as error:
            raise ConfigurationError(f"there is no account {name!r}") from error

    def forget(self, carrier: str) -> ClientT | None:
        """A client that was connected here, for it to be closed: the next one is connected anew."""
        with self._lock.get():
            found = self._own.pop(carrier, None)
            if found is not None:
                del self._clients[carrier]
            return found

    def forget_own(self) -> dict[str, ClientT]:
        """The clients that were connected here, for them to be closed."""
        with self._lock.get():
            own, self._own = self._own, {}
            for carrier in own:
                del self._clients[carrier]
            return own


def _carriers(name: str, vendors: Mapping[str, object]) -> tuple[str, ...]:
    return tuple(f"{name}{SEPARATOR}{vendor}" for vendor in vendors)
