"""The outbox that a command is about, and its accounts."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from attrs import field, frozen

from sms_core.client import Client
from sms_core.errors import ConfigurationError
from sms_core_cli.accounts import read_accounts
from sms_core_cli.command import named_account
from sms_core_cli.outbox_rates import rates_of

if TYPE_CHECKING:
    from sms_core_outbox import Failover, Outbox

Given = str | tuple[str, ...] | None
"""What an account is: a DSN, accounts of the file that are its vendors in order, or None for the one of its own name there."""


@frozen
class ChosenOutbox:
    """The outbox that the options name, and what each of its accounts is.

    ``same`` are the words that name it once more.
    """

    url: str = field(repr=False)
    accounts: Mapping[str, Given] = field(factory=dict, repr=False)
    same: tuple[str, ...] = field(default=(), repr=False)

    def command(self, *words: str) -> str:
        """What to type next, for a person to copy."""
        return shlex.join(["sms", "outbox", *words, *self.same])

    def open(self, concurrency: int = 1, rates: Iterable[str] = (), questions: Iterable[str] = ()) -> Outbox:
        """Open it. Raises `ConfigurationError`."""
        try:
            from sms_core_outbox import Outbox  # noqa: PLC0415 - a package of its own, which may be absent
        except ModuleNotFoundError as error:
            if error.name is None or not error.name.startswith("sms_core_outbox"):
                raise
            raise ConfigurationError("the outbox is not installed: pip install sms-core-outbox") from None
        return Outbox(
            self.url,
            accounts=Accounts(self.accounts),
            concurrency=concurrency,
            rates=rates_of(self._noted_rates(), rates, questions),
        )

    def _noted_rates(self) -> dict[str, Mapping[str, Any]]:
        """What the accounts' file says of the rates of those that are in it."""
        names: dict[str, str] = {}
        for name, given in self.accounts.items():
            if given is None:
                names[name] = name
            elif not isinstance(given, str):
                names.update({f"{name}/{vendor}": vendor for vendor in given})
        if not names:
            return {}
        noted = read_accounts()
        return {name: noted[of_file].rates for name, of_file in names.items()}


@frozen
class Accounts(Mapping[str, "str | Client | Failover[Client]"]):
    """The accounts of an outbox. A password is read, and a client made, when the outbox first asks for the account."""

    given: Mapping[str, Given] = field(repr=", ".join)
    _made: dict[str, str | Client | Failover[Client]] = field(factory=dict, init=False, repr=False)

    def __getitem__(self, name: str) -> str | Client | Failover[Client]:
        if name not in self._made:
            self._made[name] = self._make(self.given[name], name)
        return self._made[name]

    def _make(self, given: Given, name: str) -> str | Client | Failover[Client]:
        if given is None:
            return _sender(name)
        if isinstance(given, str):
            return given
        from sms_core_outbox import Failover  # noqa: PLC0415 - `ChosenOutbox.open` has said what to do if it is absent

        return Failover({vendor: _sender(vendor) for vendor in given})

    def __iter__(self) -> Iterator[str]:
        return iter(self.given)

    def __len__(self) -> int:
        return len(self.given)


def _sender(name: str) -> str | Client:
    """The DSN of an account of the accounts' file, or its client where it has policies."""
    account = named_account(name)
    return account.connect_to_send() if account.policies else account.dsn
