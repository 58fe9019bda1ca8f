"""The accounts of an outbox, by name: a DSN or a client each, or a function that gives either."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import Generic, TypeVar

from sms_core.errors import ConfigurationError, SmsError
from sms_core_outbox.schema import NAME_LENGTH

ClientT = TypeVar("ClientT")

Given = Mapping[str, str | ClientT] | Callable[[str], str | ClientT]
"""Accounts by name, or a function from a name, which raises `LookupError` for one that there is none of."""


class Accounts(Generic[ClientT]):
    """Clients by the account's name, connected when they are first asked for. Threads may share it."""

    def __init__(self, given: Given[ClientT], connect: Callable[[str, str], ClientT]) -> None:
        self._given = given
        self._connect = connect
        self._clients: dict[str, ClientT] = {}
        self._own: dict[str, ClientT] = {}
        self._lock = threading.Lock()

    @property
    def names(self) -> tuple[str, ...] | None:
        """Their names; None where a function gives them."""
        return tuple(self._given) if isinstance(self._given, Mapping) else None

    def name_of(self, given: str | None) -> str:
        """The account that is meant. Raises `ConfigurationError` where None names none, or where there is none such."""
        names = self.names
        if given is None:
            if names is None or len(names) != 1:
                raise ConfigurationError("there are several accounts: say which, with account=")
            return names[0]
        if names is not None and given not in names:
            raise ConfigurationError(f"there is no account {given!r}, only {', '.join(names)}")
        if not given or len(given) > NAME_LENGTH:
            raise ConfigurationError(f"an account's name has 1 to {NAME_LENGTH} characters")
        return given

    def client(self, name: str) -> ClientT:
        """The account's client. Raises `ConfigurationError`."""
        with self._lock:
            if name not in self._clients:
                given = self._find(name)
                if isinstance(given, str):
                    given = self._own[name] = self._connect(name, given)
                self._clients[name] = given
            return self._clients[name]

    def _find(self, name: str) -> str | ClientT:
        if isinstance(self._given, Mapping):
            return self._given[name]
        try:
            return self._given(name)
        except SmsError:
            raise
        except LookupError as error:
            raise ConfigurationError(f"there is no account {name!r}") from error

    def forget(self, name: str) -> ClientT | None:
        """A client that was connected here, for it to be closed: the next one is connected anew."""
        with self._lock:
            found = self._own.pop(name, None)
            if found is not None:
                del self._clients[name]
            return found

    def forget_own(self) -> dict[str, ClientT]:
        """The clients that were connected here, for them to be closed."""
        with self._lock:
            own, self._own = self._own, {}
            for name in own:
                del self._clients[name]
            return own
