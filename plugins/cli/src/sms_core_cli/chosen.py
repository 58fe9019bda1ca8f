"""The account that a command is about, and clients of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from attrs import field, frozen

from sms_core import Plan, ProviderInfo, connect
from sms_core.client import Client
from sms_core_cli.policies import carrier_warnings, plugins_of, standings_of

if TYPE_CHECKING:
    from sms_core_policy.standings import Standing


@frozen
class ChosenAccount:
    """A DSN, and the name, table of policies and rate (texts in a second) of an account of `sms account`."""

    dsn: str = field(repr=False)
    name: str = ""
    policies: Mapping[str, Any] = field(factory=dict, repr=False)
    rate: float | None = None

    def connect(self) -> Client:
        """A client that asks the vendor. Raises `ConfigurationError`."""
        return connect(self.dsn)

    def connect_to_send(self) -> Client:
        """A client that sends, with the account's rules and limits. Raises `ConfigurationError`."""
        return connect(self.dsn, plugins=plugins_of(self.name, self.policies))

    @property
    def info(self) -> ProviderInfo:
        """What its vendor can do. Asks nobody. Raises `ConfigurationError`."""
        with self.connect() as client:
            return client.info

    def carrier_warnings(self, plan: Plan) -> tuple[str, ...]:
        """What carriers would do with the texts of a plan. Raises what a strict rule refuses."""
        return carrier_warnings(self.name, self.policies, plan)

    def standings(self) -> tuple[Standing, ...]:
        """How the account's rules and limits stand. Raises `ConfigurationError`."""
        return standings_of(self.name, self.policies, self.dsn)
